import type { RowChange } from '#core/apply';
import {
  type ChangeEvent,
  doubtsOf,
  type Interpretation,
  interpretEvent,
  type ValueDecoder,
  type WireRow,
} from '#core/change-event';
import type { DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { keyText } from '#core/key';
import { rowName } from '#core/letter';
import { type Plan, tablesOf, topicsOf } from '#core/plan';
import type { DecodedRecord, RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import type { Counts, Tally } from './tally.ts';

export interface ReadingContext {
  readonly plan: Plan;
  /** Of the unit's system; what it needs for the records is ready. */
  readonly decoder: RecordDecoder;
  /** Of each record, by its offset. */
  readonly epochOf: (record: LogRecord) => number;
  /** By topic; every topic of the batch is in it. */
  readonly incarnations: ReadonlyMap<string, number>;
}

export interface WorkItem {
  readonly change: RowChange;
  readonly record: LogRecord;
}

/** What a batch has for one document, in the order of the log. */
export interface Work {
  readonly key: DocumentKey;
  readonly changes: readonly WorkItem[];
}

/**
 * Reads records into the changes that they mean, by document. A record that cannot be read, and each later one of its
 * row, is put aside and leaves the row in doubt, so that it is not served as it was before.
 */
export function readBatch(context: ReadingContext, records: readonly LogRecord[], result: Tally): Work[] {
  const items: WorkItem[] = [];
  for (const record of records) {
    if (result.mustWait(record)) {
      result.wait(record);
      items.push(...doubts(context, record));
      continue;
    }
    try {
      const reading = readRecord(context, record);
      for (const change of reading.changes) items.push({ change, record });
      tell(result, record, reading);
    } catch (error) {
      result.failed(record, error);
      items.push(...doubts(context, record));
    }
  }
  return byDocument(items);
}

export function byDocument(items: readonly WorkItem[]): Work[] {
  const works = new Map<string, { key: DocumentKey; changes: WorkItem[] }>();
  for (const item of items) {
    const { key } = item.change;
    const text = keyText(key);
    const work = works.get(text);
    if (work === undefined) works.set(text, { key, changes: [item] });
    else work.changes.push(item);
  }
  return [...works.values()];
}

/** Names the row of a record by its key, or by the bytes of one that cannot be read. */
export function rowOf(context: ReadingContext, record: LogRecord): string | null {
  const key = keyOf(context, record);
  return rowName(record.topic, key === undefined ? (record.key?.toString('base64') ?? null) : key);
}

/** The rows that a record which cannot be applied leaves in doubt, as far as they can be told. */
export function doubts(context: ReadingContext, record: LogRecord): readonly WorkItem[] {
  const event = eventOf(context, record) ?? bareEvent(context, record);
  const changes =
    event === null ? [] : doubtsOf(context.plan, event, context.epochOf(record), valuesOf(context));
  return changes.map((change) => ({ change, record }));
}

/** What a record means. */
export interface Reading extends Interpretation {
  /** Null: it carries no row. */
  readonly event: ChangeEvent | null;
}

const NO_ROW: Reading = { event: null, changes: [], unknownColumns: [] };

/**
 * @param key of the record, where it is known.
 * @throws FicusError what is wrong with the record.
 */
export function readRecord(context: ReadingContext, record: LogRecord, key?: WireRow): Reading {
  const decoded = decode(context, record, key);
  if (decoded.kind !== 'change') return NO_ROW;
  const { event } = decoded;
  const epoch = context.epochOf(record);
  return { event, ...interpretEvent(context.plan, event, epoch, valuesOf(context)) };
}

/** Counts a record that was read. */
export function tell(result: Counts, record: LogRecord, { event, unknownColumns }: Reading): void {
  if (event === null) return;
  for (const column of unknownColumns) result.sighted(event.table, column, record);
  if (event.op === 'read') result.readRow(event.table);
  else if (event.committedAt !== null) result.committedAt.push(event.committedAt);
}

function decode(
  { decoder, plan, incarnations }: ReadingContext,
  record: LogRecord,
  key?: WireRow,
): DecodedRecord {
  return decoder.decode(record, incarnations.get(record.topic) ?? 1, plan, key);
}

export function valuesOf({ decoder, plan }: ReadingContext): ValueDecoder {
  return decoder.values(plan);
}

function eventOf(context: ReadingContext, record: LogRecord): ChangeEvent | null {
  const decoded = attempt(() => decode(context, record));
  return decoded?.kind === 'change' ? decoded.event : null;
}

/** A record of which only the key can be read: its topic tells the table. */
function bareEvent(context: ReadingContext, record: LogRecord): ChangeEvent | null {
  const { plan } = context;
  const table = tablesOf(plan)[topicsOf(plan).indexOf(record.topic)];
  const key = keyOf(context, record);
  if (table === undefined || key === undefined || key === null) return null;
  const log = { incarnation: 1, partition: record.partition, offset: record.offset };
  return {
    ...{ table, op: 'update', key, before: null, after: null, position: null },
    ...{ committedAt: null, log, calendar: 'proleptic' },
  };
}

/** Undefined: there is a key, and it cannot be read. */
export function keyOf({ decoder, plan }: ReadingContext, record: LogRecord): WireRow | null | undefined {
  return attempt(() => decoder.key(record, plan));
}

function attempt<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof FicusError) || error.retryable) throw error;
    return undefined;
  }
}
