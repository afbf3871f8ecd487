import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ChangeEvent } from '#core/change-event';
import { aField, aPlan } from '#testing/plans';
import type { ConnectorConfig } from './connect-client.ts';
import { recordForm } from './connector-form.ts';
import { RecordDecoder } from './decoder.ts';
import type { LogRecord } from './log-record.ts';

const FLAT: ConnectorConfig = {
  'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
  transforms: 'flat',
  'transforms.flat.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.flat.add.fields': 'op,lsn,source.ts_ms',
};
const plan = aPlan();
const key = { region: 'EU', number: 1 };
const meta = { __op: 'u', __lsn: 42, __source_ts_ms: 1_700_000_000_000 };

function decode(given: Partial<LogRecord> & { json?: unknown }, changes: ConnectorConfig = {}) {
  const sut = new RecordDecoder({ schemas: null, form: () => recordForm({ ...FLAT, ...changes }) });
  const { json, ...rest } = given;
  const record: LogRecord = {
    topic: plan.topic,
    partition: 3,
    offset: 9n,
    key: Buffer.from(JSON.stringify(key)),
    value: json === undefined ? null : Buffer.from(JSON.stringify(json)),
    ...rest,
  };
  return sut.decode(record, 2, plan);
}
function event(given: Parameters<typeof decode>[0], changes?: ConnectorConfig): ChangeEvent {
  const decoded = decode(given, changes);
  return decoded.kind === 'change'
    ? decoded.event
    : expect.fail(`a change was expected, not ${decoded.kind}`);
}
const headers = (given: Record<string, string>) =>
  Object.fromEntries(Object.entries(given).map(([name, text]) => [name, Buffer.from(text)]));

describe('a flattened row', () => {
  it('is the row of the one table of its topic, without what was added to it', () => {
    expect(event({ json: { ...key, amount: '1.00', ...meta, __deleted: 'false' } })).toEqual({
      table: 'public.order',
      op: 'update',
      key: { region: { value: 'EU', schema: null }, number: { value: 1, schema: null } },
      before: null,
      after: {
        region: { value: 'EU', schema: null },
        number: { value: 1, schema: null },
        amount: { value: '1.00', schema: null },
      },
      position: 42n,
      committedAt: 1_700_000_000_000,
      log: { incarnation: 2, partition: 3, offset: 9n },
      calendar: 'proleptic',
      tombstones: true,
    });
  });

  it('has its schema where the record has one', () => {
    const column = {
      field: 'amount',
      type: 'bytes',
      name: 'org.apache.kafka.connect.data.Decimal',
      parameters: { scale: '2' },
    };
    const json = {
      schema: { type: 'struct', fields: [column, { field: '__op', type: 'string' }] },
      payload: { amount: 'AA==', ...meta },
    };
    expect(event({ json }).after?.amount?.schema).toMatchObject({
      name: column.name,
      parameters: { scale: '2' },
    });
  });

  it.each([
    ['c', 'create'],
    ['u', 'update'],
    ['r', 'read'],
  ])('of operation %s is %s', (op, name) => {
    expect(event({ json: { ...key, ...meta, __op: op } }).op).toBe(name);
  });

  it.each(['rewrite', 'rewrite-with-tombstone'])('is a delete where it is marked as one: %s', (mode) => {
    const changes = { 'transforms.flat.delete.tombstone.handling.mode': mode };
    const json = { ...key, amount: null, ...meta, __op: 'd', __deleted: 'true' };
    expect(event({ json }, changes)).toMatchObject({ op: 'delete', after: null, position: 42n });
    expect(event({ json }, changes).before?.amount?.value).toBeNull();
    expect(decode({}, changes)).toEqual({ kind: 'tombstone' });
  });

  it('has a position only where the connector knew one', () => {
    expect(event({ json: { ...key, ...meta, __op: 'r', __lsn: null } }).position).toBeNull();
  });

  it("stands where the connector was, as an incremental snapshot's row", () => {
    const changes = { 'transforms.flat.add.fields': 'op,lsn,sequence,source.ts_ms' };
    const json = { ...key, ...meta, __op: 'r', __lsn: null, __sequence: '["40112712","40112784"]' };
    expect(event({ json }, changes).position).toBe(40_112_784n);
  });

  it("has Db2's position in two parts", () => {
    const json = {
      ...key,
      __op: 'u',
      __commit_lsn: '00000027:00000758:0003',
      __change_lsn: '00000027:00000758:0002',
    };
    const changes = {
      'connector.class': 'io.debezium.connector.db2.Db2Connector',
      'transforms.flat.add.fields': 'op,commit_lsn,change_lsn',
    };
    expect(event({ json }, changes).position).toMatch(/^0+00000027000007580003\/0+00000027000007580002$/);
  });

  it('may have it all in headers, and under other names', () => {
    const changes = {
      'transforms.flat.add.fields': 'source.lsn:at',
      'transforms.flat.add.fields.prefix': 'cdc.',
      'transforms.flat.add.headers': 'op,source.ts_ms,schema,table',
    };
    const found = event(
      {
        json: { ...key, __op: 'a column', 'cdc.at': 7 },
        headers: headers({
          __op: 'u',
          __source_ts_ms: '1700000000000',
          __schema: 'public',
          __table: 'order',
        }),
      },
      changes,
    );
    expect(found).toMatchObject({
      table: 'public.order',
      op: 'update',
      position: 7n,
      committedAt: 1_700_000_000_000,
    });
    expect(found.after?.__op?.value).toBe('a column');
  });

  it('names its own table, which its topic must not contradict', () => {
    const named = { 'transforms.flat.add.fields': 'op,lsn,schema,table' };
    expect(event({ json: { ...key, ...meta, __schema: 'a', __table: 'b' } }, named).table).toBe('a.b');
    const half = { 'transforms.flat.add.fields': 'op,lsn,table' };
    expect(event({ json: { ...key, ...meta, __table: 'order' } }, half).table).toBe('public.order');
    expect(() => event({ json: { ...key, ...meta, __table: 'line' } }, half)).toThrow(
      /of table line.*public\.order/,
    );
    expect(() => event({ topic: 'other', json: { ...key, ...meta } })).toThrow(
      /names no table.*add schema and table/,
    );
  });

  it.each<[string, object, RegExp]>([
    ['an unknown operation', { __op: 'x' }, /operation x; legal are c, u, d, r/],
    ['a position that is none', { __lsn: 'abc' }, /lsn of a flattened row is "abc"/],
    ['an operation that is no text', { __op: 5 }, /op of a flattened row is "5"/],
  ])('is refused: %s', (_what, changed, says) => {
    expect(() => decode({ json: { ...key, ...meta, ...changed } })).toThrow(says);
    expect(() => decode({ json: { ...key, ...meta, ...changed } })).toThrow(
      expect.objectContaining({ code: 'event_unparsable' }),
    );
  });
});

describe('a row, whole and flattened', () => {
  const value = fc.oneof(
    fc.constant(null),
    fc.string({ unit: 'grapheme' }),
    fc.boolean(),
    fc.maxSafeInteger(),
  );
  const row = fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => !name.startsWith('__')),
    value,
    { maxKeys: 6, noNullPrototype: true },
  );

  it('is the same event', () => {
    fc.assert(
      fc.property(row, fc.constantFrom('c', 'u', 'd', 'r'), fc.nat(), (columns, op, lsn) => {
        const source = { schema: 'public', table: 'order', lsn, ts_ms: 1, connector: 'postgresql' };
        const image = op === 'd' ? { before: columns, after: null } : { before: null, after: columns };
        const rewritten = { 'transforms.flat.delete.tombstone.handling.mode': 'rewrite' };
        const flat = {
          ...columns,
          ...{ __op: op, __lsn: lsn, __source_ts_ms: 1, __deleted: String(op === 'd') },
        };
        const { tombstones, ...found } = event({ json: flat }, rewritten);
        expect(found).toEqual(event({ json: { ...image, op, source } }, rewritten));
        expect(tombstones).toBe(false);
      }),
    );
  });
});

describe('a flattened row of an embedded table', () => {
  const lines = (columns: readonly string[]) => {
    const parent = aPlan({
      embeds: [
        {
          path: 'lines',
          table: 'public.line',
          topic: 'shop.public.line',
          parentKey: ['region', 'number'],
          key: ['line_no'],
          cardinality: 'many',
          fields: [aField('line_no', { kind: 'int' })],
          ignore: [],
        },
      ],
    });
    const row = { region: 'EU', number: 1, line_no: 2 };
    const held = Object.fromEntries(Object.entries(row).filter(([name]) => columns.includes(name)));
    const sut = new RecordDecoder({ schemas: null, form: () => recordForm(FLAT) });
    return (op: string) =>
      sut.decode(
        {
          topic: 'shop.public.line',
          partition: 0,
          offset: 1n,
          key: Buffer.from(JSON.stringify(held)),
          value: Buffer.from(JSON.stringify({ ...row, ...meta, __op: op })),
        },
        1,
        parent,
      );
  };

  it('is taken when its key tells its parent', () => {
    const decoded = lines(['region', 'number', 'line_no'])('u');
    expect(decoded).toMatchObject({ kind: 'change', event: { table: 'public.line', op: 'update' } });
  });

  it('is refused as an update when its key does not, since it may have left another parent', () => {
    const decode = lines(['line_no']);
    expect(decode('c')).toMatchObject({ kind: 'change', event: { op: 'create' } });
    expect(() => decode('u')).toThrow(
      expect.objectContaining({
        code: 'event_unsupported',
        message: expect.stringMatching(/public\.line .*region, number/),
      }),
    );
  });
});

describe('where rows are flattened', () => {
  it.each<[string, ConnectorConfig]>([
    ['by default', {}],
    ['tombstone', { 'transforms.flat.delete.tombstone.handling.mode': 'tombstone' }],
    ['delete-to-tombstone', { 'transforms.flat.delete.tombstone.handling.mode': 'delete-to-tombstone' }],
    ['none, of old', { 'transforms.flat.delete.handling.mode': 'none' }],
    ['rewrite, of old', { 'transforms.flat.delete.handling.mode': 'rewrite' }],
    ['drop, of old, with its tombstones', { 'transforms.flat.delete.handling.mode': 'drop' }],
  ])('a record without a value is a delete: %s', (_mode, changes) => {
    expect(event({}, changes)).toMatchObject({
      table: 'public.order',
      op: 'tombstone',
      key: { region: { value: 'EU' }, number: { value: 1 } },
      position: null,
      log: { offset: 9n },
    });
  });

  it.each([null, { schema: { type: 'struct', optional: true, fields: [] }, payload: null }])(
    'and so is the null that the JSON converter writes: %j',
    (json) => {
      expect(event({ json }).op).toBe('tombstone');
    },
  );

  it('has the position that its headers hold', () => {
    const changes = { 'transforms.flat.add.headers': 'op,lsn' };
    expect(event({ headers: headers({ __op: 'd', __lsn: '77' }) }, changes).position).toBe(77n);
    expect(event({ headers: headers({ __op: 'd', __lsn: 'null' }) }, changes).position).toBeNull();
  });

  it('a delete without a key is refused', () => {
    expect(() => decode({ key: null })).toThrow(/has no key/);
  });

  it('whole change events and records without rows are still told by their content', () => {
    const source = { schema: 'public', table: 'order', lsn: 1 };
    expect(event({ json: { op: 'c', before: null, after: key, source } })).toMatchObject({ op: 'create' });
    expect(decode({ json: { op: 'm', source: {}, message: { prefix: 'x', content: '' } } })).toEqual({
      kind: 'other',
      what: 'message',
    });
    expect(() => decode({ json: key })).toThrow(/not a Debezium change event/);
  });
});
