import { FicusError } from './errors.ts';

/**
 * What orders two states of one row while legacy is the authority (DESIGN.md section 5). A single number cannot:
 * the log's position, a direct write's position and the Kafka offset order different pairs of states, so `RowVersion`
 * keeps the three apart and `judge` is the only place that compares them.
 */

/** A position of the source: PostgreSQL's lsn or a version column (bigint), or Db2's fixed-width `commit/change`. */
export type Position = bigint | string;

/** Where a record stands in Kafka. Offsets compare only within one epoch and partition of a topic. */
export interface LogPosition {
  /** Always 1 since epochs tell a topic that was made anew from the old one. */
  readonly incarnation: number;
  readonly partition: number;
  readonly offset: bigint;
}

/** The persisted version of one row (a document's own row, or one embedded row). Stored under `_m`. */
export interface RowVersion {
  /** Epoch: raised only when the authority really changes. */
  readonly epoch: number;
  /** Highest position of a streamed event applied to the key. */
  readonly streamed: Position | null;
  /** Highest position of a direct write by the facade. */
  readonly written: Position | null;
  /** Position of the snapshot row stored last, when it had one. */
  readonly snapshot: Position | null;
  /** The last applied record. */
  readonly log: LogPosition | null;
  /** Of an epoch whose authority is MongoDB: the one counter that orders its states, see `nextCounter`. */
  readonly counter: bigint | null;
}

/** What stands behind a new state of a row. */
export type Evidence =
  | {
      readonly kind: 'streamed';
      readonly epoch: number;
      readonly position: Position;
      readonly log: LogPosition;
      /**
       * Of a source whose deletes are tombstones: the same event may come again after a tombstone that came again, and
       * then it is the row's state once more.
       */
      readonly mayReturn?: boolean;
    }
  /** A delete that has no position: only its place in the log orders it. */
  | { readonly kind: 'tombstone'; readonly epoch: number; readonly log: LogPosition }
  | {
      readonly kind: 'snapshot';
      readonly epoch: number;
      readonly position: Position | null;
      readonly log: LogPosition;
    }
  | { readonly kind: 'direct'; readonly epoch: number; readonly position: Position }
  /** A write by the authority itself, while that is MongoDB. */
  | { readonly kind: 'owned'; readonly epoch: number; readonly counter: bigint }
  /** A fresh read carries no position: an open transaction may hold an older one. The caller checks the revision. */
  | { readonly kind: 'fresh'; readonly epoch: number };

export type Verdict =
  | { readonly kind: 'apply' }
  | {
      readonly kind: 'stale';
      readonly because: 'counter' | 'epoch' | 'offset' | 'streamed' | 'written' | 'snapshot';
    }
  /** A direct write stands there, and only the source can say whether the snapshot row, or the tombstone, is newer. */
  | { readonly kind: 'recheck' };

/** Negative, zero or positive. @throws FicusError `version_incomparable` when the two are of different types. */
export function comparePositions(a: Position, b: Position): number {
  if (typeof a !== typeof b || (typeof a === 'string' && typeof b === 'string' && a.length !== b.length)) {
    throw new FicusError(
      'version_incomparable',
      `positions ${String(a)} and ${String(b)} are of different types; within one epoch all are 64-bit numbers or strings of one width`,
    );
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

/** @throws FicusError `version_incomparable` across partitions or incarnations: only an operator's new epoch mends that. */
export function compareLog(a: LogPosition, b: LogPosition): number {
  if (a.incarnation !== b.incarnation || a.partition !== b.partition) {
    throw new FicusError(
      'version_incomparable',
      `offset ${a.offset} of partition ${a.partition} (incarnation ${a.incarnation}) cannot be ordered against offset ` +
        `${b.offset} of partition ${b.partition} (incarnation ${b.incarnation}): the topic was made anew or repartitioned`,
    );
  }
  return a.offset < b.offset ? -1 : a.offset > b.offset ? 1 : 0;
}

/**
 * May a state with this evidence replace the stored one?
 * @param stored null when the row has no version yet: that loses to anything.
 * @param tiesWin a delete that carries the version column of the state it deletes beats an upsert of that version.
 */
export function judge(stored: RowVersion | null, evidence: Evidence, tiesWin = false): Verdict {
  if (stored === null) return { kind: 'apply' };
  if (evidence.epoch < stored.epoch) return { kind: 'stale', because: 'epoch' };
  if (evidence.epoch > stored.epoch) return { kind: 'apply' };
  switch (evidence.kind) {
    case 'streamed':
      if (stored.log !== null && compareLog(evidence.log, stored.log) <= 0)
        return { kind: 'stale', because: 'offset' };
      if (!beats(evidence.position, stored.streamed, tiesWin || evidence.mayReturn === true))
        return { kind: 'stale', because: 'streamed' };
      if (!beats(evidence.position, stored.written, tiesWin)) return { kind: 'stale', because: 'written' };
      return { kind: 'apply' };
    case 'tombstone':
    case 'snapshot':
      if (stored.log !== null && compareLog(evidence.log, stored.log) <= 0)
        return { kind: 'stale', because: 'offset' };
      return stored.written === null ? { kind: 'apply' } : { kind: 'recheck' };
    case 'direct':
      if (!beats(evidence.position, stored.streamed, tiesWin)) return { kind: 'stale', because: 'streamed' };
      if (!beats(evidence.position, stored.written, tiesWin)) return { kind: 'stale', because: 'written' };
      if (!beats(evidence.position, stored.snapshot, tiesWin)) return { kind: 'stale', because: 'snapshot' };
      return { kind: 'apply' };
    case 'owned':
      return stored.counter !== null && evidence.counter <= stored.counter
        ? { kind: 'stale', because: 'counter' }
        : { kind: 'apply' };
    case 'fresh':
      return { kind: 'apply' };
  }
}

/** The version of a row after a state with this evidence was applied to it. Never lowers what is known. */
export function advance(stored: RowVersion | null, evidence: Evidence): RowVersion {
  const base = stored !== null && stored.epoch === evidence.epoch ? stored : blank(evidence.epoch);
  switch (evidence.kind) {
    case 'streamed':
      return { ...base, streamed: evidence.position, log: evidence.log };
    case 'tombstone':
      return { ...base, log: evidence.log };
    case 'snapshot':
      return { ...base, snapshot: evidence.position ?? base.snapshot, log: evidence.log };
    case 'direct':
      return { ...base, written: evidence.position };
    case 'owned':
      return { ...base, counter: evidence.counter };
    case 'fresh':
      return base;
  }
}

/** A millisecond has room for as many writes of one document. */
const COUNTS_OF_A_MS = 1n << 20n;

/**
 * The counter of the next state of a document that MongoDB is the authority of. By the clock, so that it never restarts
 * when a document is swept and made again, and never below what is stored, so that a clock that steps back harms nothing.
 * @param stored null: the document has none yet. @param nowMs since the epoch, by the server's clock.
 */
export function nextCounter(stored: bigint | null, nowMs: number): bigint {
  const byClock = BigInt(nowMs) * COUNTS_OF_A_MS;
  return stored !== null && stored >= byClock ? stored + 1n : byClock;
}

/** Where the log of an epoch ended: offsets by partition. */
export interface LogEnds {
  readonly epoch: number;
  readonly ends: ReadonlyMap<number, bigint>;
}

/**
 * Is that state of before the log ended there? What has no place in it is, and so is all of an epoch before, whatever its
 * offset: the topic may have been made anew since.
 */
export function isOfBefore(
  state: Pick<RowVersion, 'epoch' | 'log'> | null,
  { epoch, ends }: LogEnds,
): boolean {
  if (state === null || state.epoch !== epoch) return state === null || state.epoch < epoch;
  const end = state.log === null ? undefined : ends.get(state.log.partition);
  return state.log === null || end === undefined || state.log.offset < end;
}

function blank(epoch: number): RowVersion {
  return { epoch, streamed: null, written: null, snapshot: null, log: null, counter: null };
}

function beats(position: Position, known: Position | null, tiesWin: boolean): boolean {
  if (known === null) return true;
  const order = comparePositions(position, known);
  return tiesWin ? order >= 0 : order > 0;
}
