import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { type DecodedRecord, PLAIN_FORM, RecordDecoder } from './decoder.ts';
import type { LogRecord } from './log-record.ts';

const sut = new RecordDecoder({ schemas: null, form: () => PLAIN_FORM });

const source = { schema: 'public', table: 'order', ts_ms: 1_700_000_000_000, lsn: 42 };

/** Text goes to the wire as it stands, so that numbers keep their digits. */
function record(value: unknown, key: unknown = { id: 1 }): LogRecord {
  const bytes = (side: unknown): Buffer | null =>
    side === null || Buffer.isBuffer(side)
      ? side
      : Buffer.from(typeof side === 'string' ? side : JSON.stringify(side));
  return { topic: 'p.public.order', partition: 3, offset: 9n, key: bytes(key), value: bytes(value) };
}

function changeOf(decoded: DecodedRecord) {
  return decoded.kind === 'change'
    ? decoded.event
    : expect.fail(`a change was expected, not ${decoded.kind}`);
}

describe('RecordDecoder', () => {
  it('reads a change without schemas', () => {
    const value = { op: 'u', before: null, after: { id: 1, name: 'x' }, source };
    expect(sut.decode(record(value), 2, null)).toEqual({
      kind: 'change',
      event: {
        table: 'public.order',
        op: 'update',
        key: { id: { value: 1, schema: null } },
        before: null,
        after: { id: { value: 1, schema: null }, name: { value: 'x', schema: null } },
        position: 42n,
        committedAt: 1_700_000_000_000,
        log: { incarnation: 2, partition: 3, offset: 9n },
        calendar: 'proleptic',
      },
    });
  });

  it('keeps a column of any name', () => {
    const value = `{"op":"c","before":null,"after":{"id":1,"__proto__":"x"},"source":${JSON.stringify(source)}}`;
    const { after } = changeOf(sut.decode(record(value), 1, null));
    expect(Object.entries(after ?? {}).map(([name, wire]) => [name, wire.value])).toEqual([
      ['id', 1],
      ['__proto__', 'x'],
    ]);
  });

  it.each([
    { op: 'r', connector: 'postgresql', calendar: 'hybrid' },
    { op: 'c', connector: 'postgresql', calendar: 'proleptic' },
    { op: 'r', connector: 'db2', calendar: 'proleptic' },
  ])('knows whose calendar the dates of $op of $connector went through', ({ op, connector, calendar }) => {
    const value = { op, before: null, after: { id: 1 }, source: { ...source, connector } };
    expect(changeOf(sut.decode(record(value), 1, null)).calendar).toBe(calendar);
  });

  it('reads each side with or without schemas on its own', () => {
    const column = { field: 'at', type: 'int64', name: 'io.debezium.time.MicroTimestamp', optional: true };
    const amount = {
      field: 'amount',
      type: 'bytes',
      name: 'org.apache.kafka.connect.data.Decimal',
      parameters: { scale: 2 },
    };
    const value = {
      schema: { type: 'struct', fields: [{ field: 'after', type: 'struct', fields: [column, amount] }] },
      payload: { op: 'c', before: null, after: { at: 5, amount: 'AA==' }, source },
    };
    const event = changeOf(sut.decode(record(value), 1, null));
    expect(event.key).toEqual({ id: { value: 1, schema: null } });
    expect(event.after).toEqual({
      at: { value: 5, schema: { name: 'io.debezium.time.MicroTimestamp', type: 'int64', parameters: {} } },
      amount: {
        value: 'AA==',
        schema: { name: 'org.apache.kafka.connect.data.Decimal', type: 'bytes', parameters: { scale: '2' } },
      },
    });
    const key = { schema: { type: 'struct', fields: [{ field: 'id', type: 'int32' }] }, payload: { id: 1 } };
    const keyed = changeOf(sut.decode(record({ op: 'c', after: { id: 1 }, source }, key), 1, null));
    expect(keyed.key).toEqual({ id: { value: 1, schema: { name: null, type: 'int32', parameters: {} } } });
    expect(keyed.after).toEqual({ id: { value: 1, schema: null } });
  });

  it('loses no digit of a 64-bit number', () => {
    const value = `{"op":"c","after":{"id":9223372036854775807,"n":9007199254740993},"source":${JSON.stringify(source).replace('42', '9223372036854775806')}}`;
    const event = changeOf(sut.decode(record(value, '{"id":9223372036854775807}'), 1, null));
    expect(event.key?.id?.value).toBe(9223372036854775807n);
    expect(event.after?.n?.value).toBe(9007199254740993n);
    expect(event.position).toBe(9223372036854775806n);
  });

  it('mends the names of columns that the connector mangled', () => {
    const value = { op: 'u', after: { '\uffc3\uffbcn': 1, plain: 2 }, source };
    expect(Object.keys(changeOf(sut.decode(record(value), 1, null)).after ?? {})).toEqual(['ün', 'plain']);
  });

  it.each([
    ['c', 'create'],
    ['u', 'update'],
    ['d', 'delete'],
    ['r', 'read'],
    ['t', 'truncate'],
  ])('op %s is %s', (op, name) => {
    expect(changeOf(sut.decode(record({ op, before: {}, after: {}, source }), 1, null)).op).toBe(name);
  });

  it('a table without a key, a row without a position', () => {
    const event = changeOf(
      sut.decode(
        record({ op: 'r', after: {}, source: { schema: 's', table: 't', lsn: null } }, null),
        1,
        null,
      ),
    );
    expect(event).toMatchObject({ key: null, position: null, committedAt: null });
  });

  it('a tombstone is no second delete', () => {
    expect(sut.decode(record(null), 1, null)).toEqual({ kind: 'tombstone' });
  });

  it.each([
    ['message', { op: 'm', message: { prefix: 'x', content: '' }, source: {} }],
    ['schema-change', { source: { db: 'x' }, ddl: 'ALTER TABLE', tableChanges: [] }],
    ['transaction', { status: 'BEGIN', id: '1:2', event_count: null, data_collections: null, ts_ms: 1 }],
    ['transaction', { status: 'END', id: '1:2', event_count: 1, data_collections: [], ts_ms: 1 }],
  ])('passes over a %s', (what, value) => {
    expect(sut.decode(record(value), 1, null)).toEqual({ kind: 'other', what });
  });
});

describe('RecordDecoder refuses', () => {
  it.each<[string, unknown, RegExp]>([
    ['no JSON', 'hello', /not JSON/],
    ['half a JSON', '{"op":"c"', /not JSON/],
    ['bare NaN', '{"op":"c","after":{"a":NaN}}', /not JSON/],
    ['broken UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), /not UTF-8/],
    ['Avro, without a registry', Buffer.from([0, 0, 0, 0, 1, 2]), /value: .*names no registry/],
    ['a list', [], /not a Debezium change event/],
    ['a number', 5, /not a Debezium change event/],
    ['null as JSON', 'null', /not a Debezium change event/],
    ['an unknown op', { op: 'x', after: {}, source }, /change event: op/],
    ['a flattened row', { id: 1, name: 'x', __op: 'c' }, /change event: op/],
    ['a flattened row that has an id and a status', { id: 1, status: 'open' }, /change event: op/],
    ['a flattened row with a column ddl', { id: 1, ddl: 'x' }, /change event: op/],
    ['an image that is no object', { op: 'c', after: [1], source }, /change event: after/],
    ['no source', { op: 'c', after: {} }, /change event: source/],
    ['a source without a table', { op: 'c', after: {}, source: { schema: 's' } }, /source\.table/],
    ['a position of another kind', { op: 'c', after: {}, source: { ...source, lsn: '42' } }, /source\.lsn/],
    [
      "a position that is none of Db2's",
      { op: 'c', after: {}, source: { schema: 's', table: 't', commit_lsn: 'xyz' } },
      /"xyz" is no Db2/,
    ],
  ])('%s', (_what, value, says) => {
    expect(() => sut.decode(record(value), 1, null)).toThrow(says);
    expect(() => sut.decode(record(value), 1, null)).toThrow(
      expect.objectContaining({ code: 'event_unparsable', retryable: false }),
    );
  });

  it('a value that is none before its key', () => {
    expect(() => sut.decode(record({ a: 1 }, 'x y'), 1, null)).toThrow(/not a Debezium change event/);
  });

  it('a key that is no JSON', () => {
    expect(() => sut.decode(record({ op: 'c', after: {}, source }, 'x y'), 1, null)).toThrow(FicusError);
  });
});
