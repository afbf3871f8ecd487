import type { OutgoingRecord } from './event.ts';

/**
 * Notifications of an incremental snapshot as Debezium's sink channel writes them (Debezium documentation, "Receiving
 * notifications"): key `{id}`, value `{id, type, aggregate_type, additional_data, timestamp}`, all additional data texts.
 * The id is the signal's.
 */
export type Notice =
  | { readonly type: 'STARTED'; readonly collections: readonly string[] }
  | {
      readonly type: 'IN_PROGRESS';
      readonly collections: readonly string[];
      readonly current: string;
      readonly maximumKey: string;
      readonly lastKey: string;
    }
  | {
      readonly type: 'TABLE_SCAN_COMPLETED';
      readonly collections: readonly string[];
      readonly scanned: string;
      readonly rows: number;
      readonly status: 'EMPTY' | 'NO_PRIMARY_KEY' | 'SUCCEEDED' | 'UNKNOWN_SCHEMA';
    }
  | { readonly type: 'COMPLETED' };

export interface NoticeOrigin {
  readonly topic: string;
  readonly prefix: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export function noticeRecord(origin: NoticeOrigin, id: string, notice: Notice): OutgoingRecord {
  const value = {
    id,
    type: notice.type,
    aggregate_type: 'Incremental Snapshot',
    additional_data: { connector_name: origin.prefix, ...additional(notice) },
    timestamp: origin.now,
  };
  return { topic: origin.topic, key: JSON.stringify({ id }), value: JSON.stringify(value), headers: {} };
}

function additional(notice: Notice): Record<string, string> {
  switch (notice.type) {
    case 'COMPLETED':
      return {};
    case 'STARTED':
      return { data_collections: notice.collections.join(',') };
    case 'IN_PROGRESS':
      return {
        data_collections: notice.collections.join(','),
        current_collection_in_progress: notice.current,
        maximum_key: notice.maximumKey,
        last_processed_key: notice.lastKey,
      };
    case 'TABLE_SCAN_COMPLETED':
      return {
        data_collections: notice.collections.join(','),
        scanned_collection: notice.scanned,
        total_rows_scanned: String(notice.rows),
        status: notice.status,
      };
  }
}
