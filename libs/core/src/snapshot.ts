import type { TableSnapshot } from './ports/replication.ts';

/** What a snapshot of one table needs next. */
export type SnapshotStep =
  /** It is complete for the plan that is applied. */
  | 'done'
  /** All that it read is applied; what was deleted before it is still to be found. */
  | 'sweep'
  /** Nothing is left to do: it can be called complete. */
  | 'close'
  /** It runs, or what it read is still being applied. */
  | 'wait'
  /** There is none for this plan, or it has gone silent. */
  | 'order';

export interface SnapshotFacts {
  /** Version of the plan by which the table must have been read: rows read by an older one lack something. */
  readonly wanted: number;
  /** ms since the epoch. */
  readonly now: number;
  /** Newest sign of life of any snapshot of the system, ms since the epoch: its connector reads table by table. */
  readonly lastSign: number;
  /** Has the applier passed the ends that were sampled after the scan? */
  readonly isApplied: boolean;
  /** Has what was deleted while the place in the log was lost been found? True where it never was. */
  readonly isSwept: boolean;
  /** ms since the epoch. A connector that began anew has forgotten the scans that were ordered before; 0: it never did. */
  readonly anew: number;
}

/** ms. A signal that was not taken up: the connector had no slot yet, or started anew behind it. */
export const UNANSWERED_MS = 30_000;
/** ms. A scan that was taken up shows itself after every chunk; one so silent has been forgotten by its connector. */
export const SILENT_MS = 60_000;

/**
 * Decides about one table. A scan that was ordered by an older plan is let come to its end first, if it lives: what
 * the connector says of a table does not tell one scan from another, so two of them must never run at once.
 * @param one undefined: none was ordered yet.
 */
export function nextSnapshotStep(one: TableSnapshot | undefined, facts: SnapshotFacts): SnapshotStep {
  if (one === undefined || one.requestedAt === null) return 'order';
  const isLive = one.scannedAt === null && !isSilent(one, facts);
  const isForgotten = Date.parse(one.requestedAt) <= facts.anew;
  if (one.version < facts.wanted) return isLive && !isForgotten ? 'wait' : 'order';
  if (one.completedAt !== null) return 'done';
  if (one.scanEnds !== null) return !facts.isApplied ? 'wait' : facts.isSwept ? 'close' : 'sweep';
  return isLive ? 'wait' : 'order';
}

function isSilent(one: TableSnapshot, { now, lastSign }: SnapshotFacts): boolean {
  const limit = one.startedAt === null ? UNANSWERED_MS : SILENT_MS;
  return now - Math.max(lastSign, signOf(one)) > limit;
}

/** The newest sign of life of one table's snapshot, ms since the epoch; 0: none. */
export function signOf(one: TableSnapshot): number {
  const times = [one.requestedAt, one.startedAt, one.progressAt];
  return Math.max(0, ...times.map((at) => (at === null ? 0 : Date.parse(at))));
}
