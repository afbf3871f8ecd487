import type { CanonicalDocument } from './document.ts';
import type { Plan } from './plan.ts';
import { pointerOf } from './pointer.ts';
import { type ApiValue, renderDocument } from './render.ts';

export const DRIFT_KINDS = ['missing', 'extra', 'different'] as const;
/** missing: legacy has it, MongoDB has not; extra: the other way round; different: both have it, unequal. */
export type DriftKind = (typeof DRIFT_KINDS)[number];

export interface Difference {
  /** The key's text. */
  readonly key: string;
  readonly kind: DriftKind;
  /** JSON pointers of the unequal members, empty unless `different`. */
  readonly fields: readonly string[];
}

export const VERIFICATION_STATES = ['queued', 'running', 'passed', 'failed', 'broken'] as const;
/** failed: confirmed differences; broken: could not be carried out or compared nothing, `reason` says why. */
export type VerificationState = (typeof VERIFICATION_STATES)[number];

export interface ScanProgress {
  /** Root rows compared a second, of this run of the worker. */
  readonly rowsPerSecond: number;
  /** Milliseconds to go at that rate; null while it cannot be told. */
  readonly remainingMs: number | null;
}

export interface Verification {
  readonly id: string;
  readonly unit: string;
  readonly state: VerificationState;
  readonly requestedBy: string;
  /** Times are ISO 8601 UTC. */
  readonly requestedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  /** Root rows (documents) compared, each once. */
  readonly rowsCompared: number;
  readonly rowsTotal: number | null;
  /** While it runs; null before and after. */
  readonly progress: ScanProgress | null;
  readonly missing: number;
  readonly extra: number;
  readonly different: number;
  /** Differences that vanished when rechecked past the watermark: replication in flight. */
  readonly inFlight: number;
  /** The first confirmed ones (at most 100). */
  readonly differences: readonly Difference[];
  readonly reason: string | null;
}

/** A verification that was asked for and has not begun. */
export function queuedVerification(
  of: Pick<Verification, 'id' | 'unit' | 'requestedBy' | 'requestedAt'>,
): Verification {
  return {
    ...of,
    state: 'queued',
    startedAt: null,
    finishedAt: null,
    rowsCompared: 0,
    rowsTotal: null,
    progress: null,
    missing: 0,
    extra: 0,
    different: 0,
    inFlight: 0,
    differences: [],
    reason: null,
  };
}

/** Compares both sides of one key. Null: equal. What cannot be read in legacy is different from whatever MongoDB has. */
export function compareDocuments(
  plan: Plan,
  key: string,
  legacy: CanonicalDocument | null,
  mongodb: CanonicalDocument | null,
): Difference | null {
  if (legacy === null && mongodb === null) return null;
  if (mongodb === null) return { key, kind: 'missing', fields: [] };
  if (legacy === null) return { key, kind: 'extra', fields: [] };
  if (legacy.unreadable !== undefined) {
    const pointers = legacy.unreadable.map(({ pointer }) => pointer);
    return { key, kind: 'different', fields: [...new Set(pointers)] };
  }
  const a = renderDocument(plan, legacy);
  const b = renderDocument(plan, mongodb);
  if (JSON.stringify(a) === JSON.stringify(b)) return null;
  return { key, kind: 'different', fields: unequal('', a, b) };
}

function unequal(pointer: string, a: ApiValue, b: ApiValue): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  if (!isTree(a) || !isTree(b)) return [pointer];
  const left = a as Readonly<Record<string, ApiValue>>;
  const right = b as Readonly<Record<string, ApiValue>>;
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  return names.flatMap((name) =>
    unequal(`${pointer}${pointerOf([name])}`, left[name] ?? null, right[name] ?? null),
  );
}

function isTree(value: ApiValue): boolean {
  return typeof value === 'object' && value !== null;
}
