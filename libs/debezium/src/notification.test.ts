import { describe, expect, it } from 'vitest';
import { readNotification } from './notification.ts';

const SNAPSHOT = 'Incremental Snapshot';

function read(
  type: string,
  additional_data: Record<string, string | null> | null,
  aggregate_type = SNAPSHOT,
) {
  return readNotification({
    id: 'x',
    aggregate_type,
    type,
    additional_data,
    timestamp: 1_700_000_000_000,
  });
}

describe('readNotification', () => {
  it.each<[string, Record<string, string> | null, object | null]>([
    [
      'STARTED',
      { data_collections: 'public.a, public.b' },
      { kind: 'started', tables: ['public.a', 'public.b'] },
    ],
    ['STARTED', { data_collections: 'shop.public.a' }, { kind: 'started', tables: ['public.a'] }],
    ['STARTED', { data_collections: '"WORKS"."PIECE"' }, { kind: 'started', tables: ['WORKS.PIECE'] }],
    [
      'IN_PROGRESS',
      { current_collection_in_progress: 'public.a', maximum_key: '9', last_processed_key: '5' },
      { kind: 'progress', tables: ['public.a'] },
    ],
    [
      'TABLE_SCAN_COMPLETED',
      { scanned_collection: 'public.a', total_rows_scanned: '9', status: 'SUCCEEDED' },
      { kind: 'scanned', tables: ['public.a'] },
    ],
    [
      'TABLE_SCAN_COMPLETED',
      { scanned_collection: 'public.a', status: 'EMPTY' },
      { kind: 'scanned', tables: ['public.a'] },
    ],
    [
      'TABLE_SCAN_COMPLETED',
      { scanned_collection: 'public.a', status: 'NO_PRIMARY_KEY' },
      { kind: 'aborted', tables: ['public.a'] },
    ],
    ['TABLE_SCAN_COMPLETED', { scanned_collection: 'public.a' }, { kind: 'aborted', tables: ['public.a'] }],
    ['COMPLETED', { data_collections: 'public.a' }, { kind: 'completed', tables: ['public.a'] }],
    ['ABORTED', { data_collections: 'public.a' }, { kind: 'aborted', tables: ['public.a'] }],
    ['ABORTED', null, { kind: 'aborted', tables: [] }],
    ['PAUSED', { data_collections: 'public.a' }, null],
  ])('%s %j', (type, data, expected) => {
    expect(read(type, data)).toEqual(
      expected === null ? null : { ...expected, at: 1_700_000_000_000, status: data?.['status'] ?? null },
    );
  });

  it('passes over what is about something else', () => {
    expect(read('COMPLETED', null, 'Initial Snapshot')).toBeNull();
  });

  it('reads it with a null among its data', () => {
    const payload = {
      id: 'x',
      aggregate_type: SNAPSHOT,
      type: 'STARTED',
      additional_data: { data_collections: 's.t', other: null },
    };
    expect(readNotification(payload)).toEqual({ kind: 'started', tables: ['s.t'], at: 0, status: null });
  });

  it.each(['x', {}, { aggregate_type: 1, type: 'x' }, null])('refuses %j', (payload) => {
    expect(() => readNotification(payload)).toThrow(expect.objectContaining({ code: 'event_unparsable' }));
  });
});
