import { z } from 'zod';
import { FicusError } from '#core/errors';

const schema = z.looseObject({
  aggregate_type: z.string(),
  type: z.string(),
  additional_data: z.record(z.string(), z.string().nullable()).nullish(),
  timestamp: z.union([z.number(), z.bigint()]).nullish(),
});

/** What the connector says of an incremental snapshot, on its notification topic. */
export interface SnapshotNotification {
  readonly kind: 'started' | 'progress' | 'scanned' | 'completed' | 'aborted';
  /** How a scan of a table ended, e.g. SUCCEEDED, EMPTY, NO_PRIMARY_KEY, SQL_EXCEPTION; null where none is named. */
  readonly status: string | null;
  /** `schema.table`s that it is about. */
  readonly tables: readonly string[];
  /** ms since the epoch. */
  readonly at: number;
}

/**
 * Reads the value of a record of the `sink` notification channel; null for notifications that are about something else.
 * Source: Debezium documentation, "Receiving Debezium notifications".
 * @throws FicusError `event_unparsable`.
 */
export function readNotification(payload: unknown): SnapshotNotification | null {
  const checked = schema.safeParse(payload);
  if (!checked.success) throw new FicusError('event_unparsable', 'not a Debezium notification');
  const { aggregate_type, type, additional_data, timestamp } = checked.data;
  if (aggregate_type !== 'Incremental Snapshot') return null;
  const data = additional_data ?? {};
  const at = Number(timestamp ?? 0);
  const status = data.status ?? null;
  const named = (...names: string[]): string[] =>
    names
      .flatMap((name) => (data[name] ?? '').split(','))
      .map(tableOf)
      .filter((table) => table !== '');
  switch (type) {
    case 'STARTED':
      return { kind: 'started', tables: named('data_collections'), at, status };
    case 'IN_PROGRESS':
      return { kind: 'progress', tables: named('current_collection_in_progress'), at, status };
    case 'TABLE_SCAN_COMPLETED':
      // Other states of the scan (no primary key, SQL error, unknown schema) mean that the table was not read.
      return {
        kind: SCANNED.includes(status ?? '') ? 'scanned' : 'aborted',
        tables: named('scanned_collection'),
        at,
        status,
      };
    case 'COMPLETED':
      return { kind: 'completed', tables: named('data_collections'), at, status };
    case 'ABORTED':
      return { kind: 'aborted', tables: named('data_collections'), at, status };
    default:
      return null;
  }
}

const SCANNED = ['SUCCEEDED', 'EMPTY'];

/** Connectors name tables with (`db.schema.table`) or without the database, with or without quotes. */
function tableOf(text: string): string {
  return text.trim().replaceAll('"', '').split('.').slice(-2).join('.');
}
