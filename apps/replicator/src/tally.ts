import type { Outcome } from '#core/apply';
import { type ErrorCode, FicusError, reasonOf } from '#core/errors';
import type { Parked } from '#core/ports/dead-letters';
import type { LogRecord } from '#debezium/log-record';

/** A record that cannot be applied as it is. */
export interface Failure {
  readonly record: LogRecord;
  /** Names the row whose later records wait behind it; null: it could not be told. */
  readonly row: string | null;
  readonly epoch: number;
  readonly code: ErrorCode;
  readonly reason: string;
}

/** A later record of a row that has a failure. */
export interface Waiting {
  readonly record: LogRecord;
  readonly row: string;
  readonly epoch: number;
}

/** What a record tells of itself. */
export interface RecordNames {
  /** Names its row. */
  readonly rowOf: (record: LogRecord) => string | null;
  readonly epochOf: (record: LogRecord) => number;
}

/** What is told of records that were applied. */
export interface Counted {
  /** One for each row change. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Sightings by `table` and column, with the first record that carried it. */
  readonly unknown: ReadonlyMap<string, { table: string; column: string; count: number; record: LogRecord }>;
  /** Snapshot rows by table. */
  readonly snapshotRows: ReadonlyMap<string, number>;
  /** Commit times at the source of the streamed changes, ms since the epoch. */
  readonly committedAt: readonly number[];
}

export interface BatchResult extends Counted {
  /** The caller must make these, and those that wait, durable before it commits the offset. */
  readonly failures: readonly Failure[];
  /** Later records of rows that have a failure, here or before. */
  readonly waiting: readonly Waiting[];
}

const OUTCOMES: readonly Outcome[] = ['applied', 'unchanged', 'stale', 'recheck'];

/** Counts as they grow. */
export class Counts implements Counted {
  readonly outcomes: Record<Outcome, number> = { applied: 0, unchanged: 0, stale: 0, recheck: 0 };
  readonly unknown = new Map<string, { table: string; column: string; count: number; record: LogRecord }>();
  readonly snapshotRows = new Map<string, number>();
  readonly committedAt: number[] = [];

  count(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.outcomes[outcome]++;
  }

  sighted(table: string, column: string, record: LogRecord, times = 1): void {
    const known = this.unknown.get(`${table}.${column}`);
    if (known === undefined) this.unknown.set(`${table}.${column}`, { table, column, count: times, record });
    else known.count += times;
  }

  readRow(table: string, rows = 1): void {
    this.snapshotRows.set(table, (this.snapshotRows.get(table) ?? 0) + rows);
  }

  /** Takes over what was counted apart. */
  add(other: Counted): void {
    for (const outcome of OUTCOMES) this.outcomes[outcome] += other.outcomes[outcome];
    for (const { table, column, count, record } of other.unknown.values())
      this.sighted(table, column, record, count);
    for (const [table, rows] of other.snapshotRows) this.readRow(table, rows);
    for (const at of other.committedAt) this.committedAt.push(at);
  }
}

/** The result of a batch as it grows. */
export class Tally extends Counts implements BatchResult {
  readonly failures: Failure[] = [];
  readonly waiting: Waiting[] = [];
  readonly #parked: Map<string, Parked>;
  readonly #names: RecordNames;
  readonly #put = new Set<LogRecord>();

  /** @param parked rows that have a failure already, with its place. */
  constructor(parked: ReadonlyMap<string, Parked>, names: RecordNames) {
    super();
    this.#parked = new Map(parked);
    this.#names = names;
  }

  /** Has no row a failure? Then no record waits. */
  get isClear(): boolean {
    return this.#parked.size === 0;
  }

  /**
   * Must the record wait, since an earlier one of its row and epoch has failed? What lies before that one, and is read
   * again, need not. It costs nothing while none has failed.
   */
  mustWait(record: LogRecord): boolean {
    if (this.#parked.size === 0) return false;
    const first = this.#parked.get(this.#names.rowOf(record) ?? '');
    return (
      first !== undefined && record.offset >= first.offset && this.#names.epochOf(record) === first.epoch
    );
  }

  wait(record: LogRecord): void {
    const row = this.#names.rowOf(record);
    if (row === null || this.#put.has(record)) return;
    this.#put.add(record);
    this.waiting.push({ record, row, epoch: this.#names.epochOf(record) });
  }

  /** Only what is wrong with the record itself is a failure of the record; anything else fails the batch. */
  failed(record: LogRecord, error: unknown): void {
    if (!(error instanceof FicusError) || error.retryable) throw error;
    if (this.#put.has(record)) return;
    this.#put.add(record);
    const row = this.#names.rowOf(record);
    const epoch = this.#names.epochOf(record);
    if (row !== null) park(this.#parked, row, { epoch, offset: record.offset });
    this.failures.push({ record, row, epoch, code: error.code, reason: reasonOf(error) });
  }
}

/** Notes a letter of a row, unless an earlier one, or one of a later epoch, is noted. */
export function park(parked: Map<string, Parked>, row: string, place: Parked): void {
  const known = parked.get(row);
  if (known === undefined || known.epoch < place.epoch) parked.set(row, place);
}
