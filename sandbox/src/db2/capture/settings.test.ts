import { describe, expect, it } from 'vitest';
import { chunkParameters, chunkStatement } from './chunk.ts';
import type { Table } from './column.ts';
import { type Config, parseConfig } from './config.ts';
import { noticeRecord } from './notification.ts';
import { byTopic } from './publisher.ts';
import { registered, registrationStatements } from './registration.ts';
import { parseSignal } from './signal.ts';
import { markOf } from './snapshot.ts';

const table: Table = {
  schema: 'FICUS',
  name: 'EVENT',
  columns: [
    { name: 'PLANT', type: 'CHARACTER', length: 4, scale: 0, bits: false },
    { name: 'ID', type: 'BIGINT', length: 8, scale: 0, bits: false },
    { name: 'COST', type: 'DECIMAL', length: 9, scale: 2, bits: false },
  ],
  key: ['ID', 'PLANT'],
};

describe("a connector's configuration", () => {
  it('has defaults, and the heartbeat among its tables', () => {
    const settings = parseConfig({
      'topic.prefix': 'plant',
      'table.include.list': 'FICUS\\.PART, FICUS.EVENT',
    });
    expect(settings.tables).toEqual(['FICUS.PART', 'FICUS.EVENT', 'FICUS.HEARTBEAT']);
    expect(settings.notificationTopic).toBe('plant.notifications');
    expect(settings.creation).toBe(null);
  });

  const faults: readonly { readonly config: Config; readonly message: string }[] = [
    { config: {}, message: 'topic.prefix is ""; legal are' },
    {
      config: { 'topic.prefix': 'p', 'table.include.list': 'PART' },
      message: 'holds "PART"; legal is SCHEMA.TABLE',
    },
    {
      config: { 'topic.prefix': 'p', 'heartbeat.interval.ms': '0' },
      message: 'heartbeat.interval.ms is "0"; legal is a whole number above 0',
    },
    {
      config: { 'topic.prefix': 'p', 'value.converter.schemas.enable': 'true' },
      message: 'value.converter.schemas.enable is "true"; legal here is false',
    },
    { config: { 'topic.prefix': 'p', 'snapshot.mode': 'always' }, message: 'snapshot.mode is "always"' },
  ];
  it.each(faults)('refuses: $message', ({ config, message }) => {
    expect(() => parseConfig(config)).toThrow(message);
  });
});

describe('a chunk', () => {
  it("goes on behind the last key, in the key's order", () => {
    expect(chunkStatement(table, true, 10)).toBe(
      'SELECT "PLANT", "ID", TRIM(CHAR("COST")) AS "COST" FROM "FICUS"."EVENT" WHERE ("ID" > CAST(? AS BIGINT)) OR ' +
        '("ID" = CAST(? AS BIGINT) AND "PLANT" > CAST(? AS CHAR(4))) ORDER BY "ID", "PLANT" FETCH FIRST 10 ROWS ONLY',
    );
    expect(chunkParameters(['9007199254740993', 'A   '])).toEqual([
      '9007199254740993',
      '9007199254740993',
      'A   ',
    ]);
  });

  it('has the marks of Debezium at its ends', () => {
    const inner = { first: false, last: false };
    expect(markOf({ first: true, last: false, outer: { first: true, last: false } })).toBe('first');
    expect(markOf({ first: true, last: false, outer: inner })).toBe('first_in_data_collection');
    expect(markOf({ first: false, last: false, outer: inner })).toBe('true');
    expect(markOf({ first: false, last: true, outer: inner })).toBe('last_in_data_collection');
    expect(markOf({ first: true, last: true, outer: { first: true, last: true } })).toBe('last');
  });
});

describe('a registration', () => {
  it("makes log, change table and three triggers, the update's two images in one statement", () => {
    const statements = registrationStatements(registered(table));
    expect(statements.map((text) => text.split(' ').slice(0, 2).join(' '))).toEqual([
      'CREATE TABLE',
      'CREATE VIEW',
      'CREATE TRIGGER',
      'CREATE TRIGGER',
      'CREATE TRIGGER',
    ]);
    expect(statements.at(-1)).toContain(`CASE WHEN X.OP = 'D' THEN O."ID" ELSE N."ID" END`);
    expect(statements.at(-1)).toContain(`FROM (VALUES 'D', 'I') X (OP)`);
  });
});

describe('signals and notifications', () => {
  it('are read by place, names with or without the database', () => {
    const data = '{"type":"INCREMENTAL","data-collections":["PLANT.FICUS.PART","FICUS.EVENT"]}';
    expect(parseSignal({ ID: 's1', TYPE: 'execute-snapshot', DATA: data })).toEqual({
      id: 's1',
      collections: ['FICUS.PART', 'FICUS.EVENT'],
    });
    expect(parseSignal({ ID: 's1', TYPE: 'log', DATA: data })).toBe(null);
  });

  it("are written as Debezium's sink channel does", () => {
    const record = noticeRecord({ topic: 'n', prefix: 'plant', now: 5 }, 's1', {
      type: 'TABLE_SCAN_COMPLETED',
      collections: ['FICUS.PART', 'FICUS.EVENT'],
      scanned: 'FICUS.PART',
      rows: 3,
      status: 'SUCCEEDED',
    });
    expect(record.key).toBe('{"id":"s1"}');
    expect(JSON.parse(record.value ?? '')).toEqual({
      id: 's1',
      type: 'TABLE_SCAN_COMPLETED',
      aggregate_type: 'Incremental Snapshot',
      additional_data: {
        connector_name: 'plant',
        data_collections: 'FICUS.PART,FICUS.EVENT',
        scanned_collection: 'FICUS.PART',
        total_rows_scanned: '3',
        status: 'SUCCEEDED',
      },
      timestamp: 5,
    });
  });

  it('go out in their order within a topic', () => {
    const record = (topic: string, key: string) => ({ topic, key, value: null, headers: {} });
    const batches = byTopic([record('a', '1'), record('b', '2'), record('a', '3')]);
    expect(batches.map(({ topic, messages }) => [topic, messages.map(({ key }) => key)])).toEqual([
      ['a', ['1', '3']],
      ['b', ['2']],
    ]);
  });
});
