import type { Phase } from './phase.ts';
import type { Mode } from './plan.ts';

/**
 * Why legacy answers although the phase says MongoDB (the header Ficus-Fallback): MongoDB is too far behind, or nobody
 * knows how far; a changed plan has its tables read again; it has never seen a value of the document; it is away.
 */
export const FALLBACKS = ['lag', 'lag-unknown', 'snapshot', 'incomplete', 'mongodb-unavailable'] as const;
export type Fallback = (typeof FALLBACKS)[number];

/** Where a request goes, and why, apart from going there. */
export type ReadRoute =
  | { readonly store: 'legacy' | 'mongodb'; readonly fallback: false }
  /**
   * The phase says MongoDB, but it is too far behind the source (or nobody knows how far), or a changed plan has its
   * tables read again and not all documents have what it wants yet: legacy answers.
   */
  | {
      readonly store: 'legacy';
      readonly fallback: true;
      readonly because: 'lag' | 'lag-unknown' | 'snapshot';
    };

export interface ReadFacts {
  /** Milliseconds behind the source's commit; null when it is not known or too old to trust. */
  readonly lagMs: number | null;
  readonly lagLimitMs: number;
  /** Has MongoDB all that the applied plan wants? */
  readonly snapshotComplete: boolean;
}

export function routeRead(phase: Phase, facts: ReadFacts): ReadRoute {
  switch (phase) {
    case 'legacy':
      return { store: 'legacy', fallback: false };
    case 'offload':
      if (facts.lagMs === null) return { store: 'legacy', fallback: true, because: 'lag-unknown' };
      if (facts.lagMs > facts.lagLimitMs) return { store: 'legacy', fallback: true, because: 'lag' };
      if (!facts.snapshotComplete) return { store: 'legacy', fallback: true, because: 'snapshot' };
      return { store: 'mongodb', fallback: false };
    case 'y-loading':
    case 'primary':
    case 'backup':
    case 'retired':
      return { store: 'mongodb', fallback: false };
  }
}

export type WriteRoute =
  | { readonly kind: 'legacy' }
  | { readonly kind: 'refused'; readonly because: 'read-only' | 'phase-not-built' };

export function routeWrite(mode: Mode, phase: Phase): WriteRoute {
  if (mode === 'R') return { kind: 'refused', because: 'read-only' };
  switch (phase) {
    case 'legacy':
    case 'offload':
      return { kind: 'legacy' };
    case 'y-loading':
    case 'primary':
    case 'backup':
    case 'retired':
      return { kind: 'refused', because: 'phase-not-built' };
  }
}

/** May a listing that began in this store go on there? A cursor that outlives its store gets 410. */
export function mayContinue(phase: Phase, store: 'legacy' | 'mongodb'): boolean {
  switch (phase) {
    case 'legacy':
      return store === 'legacy';
    case 'offload':
      return true;
    case 'y-loading':
    case 'primary':
    case 'backup':
    case 'retired':
      return store === 'mongodb';
  }
}
