import type { Authority } from './phase.ts';
import type { RowVersion } from './version.ts';

/** What the reverse leg leaves in the legacy database with every change that it makes, in the same transaction. */
export interface Marker {
  /** The transaction that it committed with, as the log of the legacy database names it. */
  readonly transaction: string;
  readonly epoch: number;
  readonly counter: bigint;
  /** Of the content that was written; null: deleted. */
  readonly digest: string | null;
}

export type ReverseVerdict =
  | { readonly kind: 'apply' }
  /** Not newer than what was written there last. */
  | { readonly kind: 'stale' }
  /** A state of which legacy is the authority: it came from there. */
  | { readonly kind: 'foreign' }
  /** The row there is not the one that was written last: somebody else has changed it, and an operator must decide. */
  | { readonly kind: 'conflict' };

/**
 * May a state of a document be written into the legacy database?
 * @param version of the document's state. @param last the newest marker of its key; null: none. @param found digest of the row as it
 * is now, null: there is none.
 */
export function judgeReverse(
  version: RowVersion | null,
  last: Marker | null,
  found: string | null,
): ReverseVerdict {
  if (version === null || version.counter === null) return { kind: 'foreign' };
  if (last === null) return { kind: 'apply' };
  if (version.epoch < last.epoch) return { kind: 'stale' };
  if (version.epoch > last.epoch) return { kind: 'apply' };
  if (version.counter <= last.counter) return { kind: 'stale' };
  return found === last.digest ? { kind: 'apply' } : { kind: 'conflict' };
}

export type ForwardVerdict =
  /** A change of an epoch of which legacy is the authority. */
  | { readonly kind: 'apply' }
  /** What the reverse leg wrote has come back. */
  | { readonly kind: 'echo' }
  /** It has come back as something else: a trigger of the legacy database has changed it. */
  | { readonly kind: 'drift' }
  /** Somebody else has written in the legacy database. */
  | { readonly kind: 'rogue' };

/**
 * What a change in the legacy database's log is. Only of an epoch of which MongoDB is the authority must it be asked.
 * @param authority of the epoch that the record's offset belongs to. @param marker of the record's key and transaction; null:
 * there is none. @param digest of the row as the record has it, null: deleted.
 */
export function judgeForward(
  authority: Authority,
  marker: Marker | null,
  digest: string | null,
): ForwardVerdict {
  if (authority === 'legacy') return { kind: 'apply' };
  if (marker === null) return { kind: 'rogue' };
  return marker.digest === digest ? { kind: 'echo' } : { kind: 'drift' };
}
