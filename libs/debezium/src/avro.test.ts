import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { avroSchema, avroSide } from './avro.ts';
import { rowOf } from './side.ts';

const optional = (type: unknown) => ['null', type];
const field = (name: string, type: unknown) => ({ name, type });

/** A row as Kafka Connect writes its schema. */
const ROW = {
  type: 'record',
  name: 'Value',
  namespace: 'p.public.t',
  fields: [
    field('i', 'int'),
    field('l', 'long'),
    field(
      'at',
      optional({ type: 'long', 'connect.version': 1, 'connect.name': 'io.debezium.time.MicroTimestamp' }),
    ),
    field('s', optional('string')),
    field('b', optional('bytes')),
    field('d', 'double'),
    field('f', 'boolean'),
    field('short', { type: 'int', 'connect.type': 'int16' }),
    field(
      'amount',
      optional({
        type: 'bytes',
        scale: 2,
        precision: 15,
        'connect.version': 1,
        'connect.parameters': { scale: '2', 'connect.decimal.precision': '15' },
        'connect.name': 'org.apache.kafka.connect.data.Decimal',
        logicalType: 'decimal',
      }),
    ),
    field(
      'n',
      optional({
        type: 'record',
        name: 'VariableScaleDecimal',
        namespace: 'io.debezium.data',
        fields: [field('scale', 'int'), field('value', 'bytes')],
        'connect.name': 'io.debezium.data.VariableScaleDecimal',
      }),
    ),
    field('list', { type: 'array', items: optional('long') }),
    field('map', { type: 'map', values: 'string' }),
  ],
  'connect.name': 'p.public.t.Value',
};
const ENVELOPE = {
  type: 'record',
  name: 'Envelope',
  namespace: 'p.public.t',
  fields: [field('before', optional(ROW)), field('after', optional('Value'))],
};

const long = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const bytes = fc.uint8Array({ maxLength: 20 }).map((some) => Buffer.from(some));
const text = fc.string({ unit: 'grapheme' });
const row = fc.record({
  i: fc.integer(),
  l: long,
  at: fc.option(long),
  s: fc.option(text),
  b: fc.option(bytes),
  d: fc.double(),
  f: fc.boolean(),
  short: fc.integer({ min: -32_768, max: 32_767 }),
  amount: fc.option(bytes),
  n: fc.option(fc.record({ scale: fc.integer(), value: bytes })),
  list: fc.array(fc.option(long), { maxLength: 3 }),
  map: fc.dictionary(
    text.filter((name) => name !== '__proto__'),
    text,
    { maxKeys: 3, noNullPrototype: true },
  ),
});

/** What Connect's JSON would carry, with integers beyond 2^53 as BigInt. */
function asJson(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, asJson(member)]));
}

const schema = avroSchema(JSON.stringify(ROW));

describe('avroSide', () => {
  it('gives every value back exactly, as JSON would carry it', () => {
    fc.assert(
      fc.property(row, (value) => {
        const side = avroSide(schema, schema.type.toBuffer(value), false);
        expect(side.plain(side.payload)).toEqual(asJson(value));
      }),
    );
  });

  it('refuses every beginning of a datum, and whatever follows one', () => {
    fc.assert(
      fc.property(row, fc.nat(), (value, at) => {
        const whole = schema.type.toBuffer(value);
        const unparsable = expect.objectContaining({ code: 'event_unparsable', retryable: false });
        expect(() => avroSide(schema, whole.subarray(0, at % whole.length), false)).toThrow(unparsable);
        expect(() => avroSide(schema, Buffer.concat([whole, Buffer.from([at % 256])]), false)).toThrow(
          unparsable,
        );
      }),
    );
  });

  it('never fails but by name on bytes of any kind', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (some) => {
        try {
          avroSide(schema, Buffer.from(some), false);
        } catch (error) {
          expect(error).toBeInstanceOf(FicusError);
        }
      }),
    );
  });

  it('refuses a text that is not UTF-8, and takes the character that stands for such', () => {
    const names = avroSchema('{"type":"record","name":"R","fields":[{"name":"s","type":"string"}]}');
    const good = names.type.toBuffer({ s: '\ufffd?' });
    expect(avroSide(names, good, false).payload).toEqual({ s: '\ufffd?' });
    expect(() => avroSide(names, Buffer.from([6, 0xff, 0x61, 0x62]), false)).toThrow(/not UTF-8/);
  });
});

describe('avroSchema', () => {
  it('has what Connect notes of each column, through unions and names', () => {
    const { schemas } = avroSchema(JSON.stringify(ENVELOPE));
    for (const member of ['before', 'after']) {
      const columns = schemas?.get(member);
      expect(columns?.get('at')).toEqual({
        name: 'io.debezium.time.MicroTimestamp',
        type: 'int64',
        parameters: {},
      });
      expect(columns?.get('amount')).toEqual({
        name: 'org.apache.kafka.connect.data.Decimal',
        type: 'bytes',
        parameters: { scale: '2', 'connect.decimal.precision': '15' },
      });
      expect(columns?.get('n')).toMatchObject({
        name: 'io.debezium.data.VariableScaleDecimal',
        type: 'struct',
      });
      expect(columns?.get('short')).toEqual({ name: null, type: 'int16', parameters: {} });
      expect(columns?.get('list')?.type).toBe('array');
    }
    expect(schemas?.get('')?.get('after')).toMatchObject({ type: 'struct' });
  });

  it('knows the defaults of columns that may be null, as their values would come', () => {
    const decimal = {
      type: 'record',
      name: 'VariableScaleDecimal',
      fields: [field('scale', 'int'), field('value', 'bytes')],
    };
    const withDefault = (name: string, type: unknown, value: unknown) => ({
      ...field(name, [type, 'null']),
      default: value,
    });
    const { defaults, type } = avroSchema(
      JSON.stringify({
        type: 'record',
        name: 'R',
        fields: [
          withDefault('i', { type: 'int', 'connect.default': 5 }, 5),
          withDefault('l', 'long', 2 ** 60),
          withDefault('f', 'float', 0.1),
          withDefault('b', 'bytes', '\u00ff\u0001'),
          withDefault('n', decimal, { scale: 1, value: '\u000f' }),
          { ...field('must', 'int'), default: 5 },
          { ...field('none', optional('int')), default: null },
          { ...field('of another branch', 'int'), name: 'odd', type: optional('int'), default: 7 },
        ],
      }),
    );
    expect(Object.fromEntries(defaults.get('') ?? [])).toEqual({
      i: 5,
      l: 2 ** 60,
      f: Math.fround(0.1),
      b: '/wE=',
      n: { scale: 1, value: 'Dw==' },
      odd: 7,
    });
    const row = {
      i: 5,
      l: 2n ** 60n,
      f: 0.1,
      b: Buffer.from([255, 1]),
      n: { scale: 1, value: Buffer.from([15]) },
    };
    const side = avroSide(
      { type, schemas: null, defaults },
      type.toBuffer({ ...row, must: 5, none: 1, odd: 8 }),
      true,
    );
    const read = rowOf(side, '', side.payload as Record<string, unknown>, (name) => name);
    expect(Object.keys(read).filter((name) => read[name]?.doubt !== undefined)).toEqual([
      'i',
      'l',
      'f',
      'b',
      'n',
    ]);
  });

  it('knows two records of one short name apart', () => {
    const inner = (namespace: string, type: string) => ({
      type: 'record',
      name: 'Value',
      namespace,
      fields: [field('x', type)],
    });
    const both = {
      type: 'record',
      name: 'Both',
      namespace: 'a',
      fields: [field('one', inner('a', 'int')), field('two', inner('b', 'long')), field('three', 'Value')],
    };
    const { schemas } = avroSchema(JSON.stringify(both));
    expect(schemas?.get('two')?.get('x')?.type).toBe('int64');
    expect(schemas?.get('three')?.get('x')?.type).toBe('int32');
  });

  it.each(['', '{}', '{"type":"record","name":"R"}', '{"type":"unknown"}'])('refuses %j', (given) => {
    expect(() => avroSchema(given)).toThrow(expect.objectContaining({ code: 'event_unparsable' }));
  });
});
