import { documentKeyOf, type WireRow } from '#core/change-event';
import type { DocumentKey } from '#core/document';
import { keyText } from '#core/key';
import type { LogRecord } from '#debezium/log-record';
import { keyOf, type ReadingContext, valuesOf } from './batch-reader.ts';

/** The records of one document as their keys tell it, in the order of the log. */
export interface Keyed {
  readonly key: DocumentKey;
  readonly records: readonly LogRecord[];
  /** Of each record, its key. */
  readonly rows: readonly WireRow[];
}

/**
 * Finds out by their keys alone which records are of which document of a unit without embedded tables. Null: the key of
 * one of them does not tell.
 */
export function byKey(context: ReadingContext, records: readonly LogRecord[]): readonly Keyed[] | null {
  const found = new Map<string, { key: DocumentKey; records: LogRecord[]; rows: WireRow[] }>();
  const values = valuesOf(context);
  for (const record of records) {
    const row = keyOf(context, record) ?? null;
    if (row === null) return null;
    const key = documentKeyOf(context.plan, row, values);
    if (key === null) return null;
    const text = keyText(key);
    const keyed = found.get(text);
    if (keyed === undefined) found.set(text, { key, records: [record], rows: [row] });
    else {
      keyed.records.push(record);
      keyed.rows.push(row);
    }
  }
  return [...found.values()];
}
