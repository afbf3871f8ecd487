import { describe, expect, it } from 'vitest';
import type { Table } from './column.ts';
import { changeRecords, lsnText, type Origin, parseLsn, readRecord } from './event.ts';

const origin: Origin = { prefix: 'plant', database: 'PLANT', now: () => 1_700_000_000_123_456n };
const table: Table = {
  schema: 'FICUS',
  name: 'PART',
  columns: [
    { name: 'ID', type: 'BIGINT', length: 8, scale: 0, bits: false },
    { name: 'NAME', type: 'VARCHAR', length: 20, scale: 0, bits: false },
  ],
  key: ['ID'],
};
const unit = { commit: 0x4d2n, at: 1_600_000_000_654_321n };
const one = { ID: '1', NAME: 'one' };
const uno = { ID: '1', NAME: 'uno' };
const two = { ID: '2', NAME: 'two' };

interface Case {
  readonly name: string;
  readonly before: typeof one | null;
  readonly after: typeof one | null;
  /** Operation (t: tombstone) and key of each record. */
  readonly records: readonly [string, string][];
}

const cases: readonly Case[] = [
  { name: 'insert', before: null, after: one, records: [['c', '{"ID":1}']] },
  { name: 'update', before: one, after: uno, records: [['u', '{"ID":1}']] },
  {
    name: 'delete',
    before: one,
    after: null,
    records: [
      ['d', '{"ID":1}'],
      ['t', '{"ID":1}'],
    ],
  },
  {
    name: 'changed key',
    before: one,
    after: two,
    records: [
      ['d', '{"ID":1}'],
      ['t', '{"ID":1}'],
      ['c', '{"ID":2}'],
    ],
  },
];

describe('changeRecords', () => {
  it.each(cases)('$name', ({ before, after, records }) => {
    const found = changeRecords(origin, unit, { table, sequence: 0x4d1n, before, after });
    expect(found.map(({ value, key }) => [value === null ? 't' : JSON.parse(value).op, key])).toEqual(
      records,
    );
    expect(found.every(({ topic }) => topic === 'plant.FICUS.PART')).toBe(true);
  });

  it('names the other key in the headers of a changed one', () => {
    const [deleted, tombstone, created] = changeRecords(origin, unit, {
      table,
      sequence: 1n,
      before: one,
      after: two,
    });
    expect(deleted?.headers['__debezium.newkey']).toBe('{"ID":2}');
    expect(tombstone?.headers['__debezium.newkey']).toBe('{"ID":2}');
    expect(created?.headers['__debezium.oldkey']).toBe('{"ID":1}');
  });

  it('writes the envelope of Debezium, member by member', () => {
    const [record] = changeRecords(origin, unit, { table, sequence: 0x4d1n, before: one, after: uno });
    expect(record?.value).toBe(
      '{"before":{"ID":1,"NAME":"one"},"after":{"ID":1,"NAME":"uno"},"source":{"version":"3.3.1.Final","connector":"db2",' +
        '"name":"plant","ts_ms":1600000000654,"snapshot":"false","db":"PLANT","sequence":null,"ts_us":1600000000654321,' +
        '"ts_ns":1600000000654321000,"schema":"FICUS","table":"PART","change_lsn":"00000000:00000000:00000000000004d1",' +
        '"commit_lsn":"00000000:00000000:00000000000004d2"},"transaction":null,"op":"u","ts_ms":1700000000123,' +
        '"ts_us":1700000000123456,"ts_ns":1700000000123456000}',
    );
    expect(record?.headers).toEqual({
      '__debezium.context.connectorLogicalName': 'plant',
      '__debezium.context.taskId': '0',
      '__debezium.context.connectorName': 'db2',
    });
  });

  it('gives a row of a snapshot its mark, and none of an initial one a place in a transaction', () => {
    const record = readRecord(origin, table, one, {
      position: { commit: 5n, change: null, at: 0n },
      snapshot: 'first',
    });
    const value = JSON.parse(record.value ?? '');
    expect([value.op, value.before, value.source.snapshot, value.source.change_lsn]).toEqual([
      'r',
      null,
      'first',
      null,
    ]);
  });

  it('prints and reads the 16 bytes of a sequence number', () => {
    expect(parseLsn(lsnText(2n ** 100n + 7n))).toBe(2n ** 100n + 7n);
    expect(lsnText(2n ** 100n + 7n)).toBe('00000010:00000000:0000000000000007');
  });
});
