import type { Outcome } from '#core/apply';
import { type ErrorCode, FicusError, reasonOf } from '#core/errors';
import type { LogRecord } from '#debezium/log-record';

/** A record that cannot be applied as it is. */
export interface Failure {
  readonly record: LogRecord;
  /** Names the row whose later records wait behind it; null: it could not be told. */
  readonly row: string | null;
  readonly code: ErrorCode;
  readonly reason: string;
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
  readonly waiting: readonly { readonly record: LogRecord; readonly row: string }[];
}

const OUTCOMES: readonly Outcome[] = ['applied', 'unchanged', 'stale', 'recheck'];

/** The result of a batch as it grows. */
export class Tally implements BatchResult {
  readonly outcomes: Record<Outcome, number> = { applied: 0, unchanged: 0, stale: 0, recheck: 0 };
  readonly failures: Failure[] = [];
  readonly waiting: { readonly record: LogRecord; readonly row: string }[] = [];
  readonly unknown = new Map<string, { table: string; column: string; count: number; record: LogRecord }>();
  readonly snapshotRows = new Map<string, number>();
  readonly committedAt: number[] = [];
  readonly #parked: Map<string, bigint>;
  readonly #rowOf: (record: LogRecord) => string | null;
  readonly #put = new Set<LogRecord>();

  /** @param parked rows that have a failure already, with its offset. @param rowOf names a record's row. */
  constructor(parked: ReadonlyMap<string, bigint>, rowOf: (record: LogRecord) => string | null) {
    this.#parked = new Map(parked);
    this.#rowOf = rowOf;
  }

  count(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.outcomes[outcome]++;
  }

  sighted(table: string, column: string, record: LogRecord): void {
    const known = this.unknown.get(`${table}.${column}`);
    if (known === undefined) this.unknown.set(`${table}.${column}`, { table, column, count: 1, record });
    else known.count++;
  }

  readRow(table: string): void {
    this.snapshotRows.set(table, (this.snapshotRows.get(table) ?? 0) + 1);
  }

  /** Takes over what was counted apart. */
  add(other: Counted): void {
    for (const outcome of OUTCOMES) this.outcomes[outcome] += other.outcomes[outcome];
    for (const [name, { table, column, count, record }] of other.unknown) {
      const known = this.unknown.get(name);
      if (known === undefined) this.unknown.set(name, { table, column, count, record });
      else known.count += count;
    }
    for (const [table, rows] of other.snapshotRows)
      this.snapshotRows.set(table, (this.snapshotRows.get(table) ?? 0) + rows);
    for (const at of other.committedAt) this.committedAt.push(at);
  }

  /** Has no row a failure? Then no record waits. */
  get isClear(): boolean {
    return this.#parked.size === 0;
  }

  /**
   * Must the record wait, since an earlier one of its row has failed? What lies before that one, and is read again, need
   * not. It costs nothing while none has failed.
   */
  mustWait(record: LogRecord): boolean {
    if (this.#parked.size === 0) return false;
    const first = this.#parked.get(this.#rowOf(record) ?? '');
    return first !== undefined && record.offset >= first;
  }

  wait(record: LogRecord): void {
    const row = this.#rowOf(record);
    if (row === null || this.#put.has(record)) return;
    this.#put.add(record);
    this.waiting.push({ record, row });
  }

  /** Only what is wrong with the record itself is a failure of the record; anything else fails the batch. */
  failed(record: LogRecord, error: unknown): void {
    if (!(error instanceof FicusError) || error.retryable) throw error;
    if (this.#put.has(record)) return;
    this.#put.add(record);
    const row = this.#rowOf(record);
    if (row !== null && !this.#parked.has(row)) this.#parked.set(row, record.offset);
    this.failures.push({ record, row, code: error.code, reason: reasonOf(error) });
  }
}
