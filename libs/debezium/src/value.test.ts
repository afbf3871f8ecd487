import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNAVAILABLE } from '#core/change-event';
import { FicusError } from '#core/errors';
import type { FieldType } from '#core/field-type';
import { valueDecoder } from './value.ts';
import { FICUS_MODES } from './wire-modes.ts';

interface Case {
  readonly what: string;
  readonly type: FieldType;
  readonly value: unknown;
  /** Semantic name and parameters, where the record had schemas. */
  readonly schema?: readonly [string | null, Readonly<Record<string, string>>?];
  readonly canonical: unknown;
}

const TEXT: FieldType = { kind: 'string', trim: false, length: null };
const DECIMAL: FieldType = { kind: 'decimal', precision: 10, scale: 2 };
const FREE: FieldType = { kind: 'decimal', precision: null, scale: null };
const time = (precision: number): FieldType => ({ kind: 'time', precision });
const stamp = (precision: number): FieldType => ({ kind: 'timestamp', precision });
const STAMPTZ: FieldType = { kind: 'timestamptz', precision: 6 };
const PLACEHOLDER = '__debezium_unavailable_value';
const CONNECT = 'org.apache.kafka.connect.data';

const decodeValue = valueDecoder(FICUS_MODES);

function decode({ type, value, schema }: Omit<Case, 'what' | 'canonical'>): unknown {
  const [name, parameters = {}] = schema ?? [];
  return decodeValue(type, { value, schema: name === undefined ? null : { name, type: '', parameters } });
}

const cases: readonly Case[] = [
  { what: 'null', type: DECIMAL, value: null, canonical: null },
  { what: 'text', type: TEXT, value: 'ü😀', canonical: 'ü😀' },
  { what: 'a blank-padded CHAR', type: { ...TEXT, trim: true }, value: 'ab   ', canonical: 'ab' },
  { what: 'an int', type: { kind: 'int' }, value: -5, canonical: -5 },
  { what: 'a long below 2^53', type: { kind: 'long' }, value: 42, canonical: '42' },
  {
    what: 'a long beyond 2^53',
    type: { kind: 'long' },
    value: 9007199254740993n,
    canonical: '9007199254740993',
  },
  { what: 'a boolean', type: { kind: 'boolean' }, value: true, canonical: true },
  { what: "Db2's boolean as a SMALLINT", type: { kind: 'boolean' }, value: 1, canonical: true },
  { what: 'a double', type: { kind: 'double' }, value: 1.5, canonical: 1.5 },
  {
    what: 'a double that is a whole number beyond 2^53',
    type: { kind: 'double' },
    value: 10n ** 20n,
    canonical: 1e20,
  },
  { what: 'a double that is none', type: { kind: 'double' }, value: 'NaN', canonical: 'NaN' },
  { what: 'a decimal as text', type: DECIMAL, value: '12.5', canonical: '12.50' },
  { what: 'a decimal as text with an exponent', type: FREE, value: '1E-7', canonical: '0.0000001' },
  {
    what: 'a precise decimal',
    type: DECIMAL,
    value: 'BNI=',
    schema: [`${CONNECT}.Decimal`, { scale: '2' }],
    canonical: '12.34',
  },
  {
    what: 'a negative precise decimal',
    type: DECIMAL,
    value: '/w==',
    schema: [`${CONNECT}.Decimal`, { scale: '2' }],
    canonical: '-0.01',
  },
  {
    what: 'a precise decimal of a negative scale',
    type: FREE,
    value: 'DA==',
    schema: [`${CONNECT}.Decimal`, { scale: '-2' }],
    canonical: '1200',
  },
  {
    what: 'a precise zero',
    type: DECIMAL,
    value: 'AA==',
    schema: [`${CONNECT}.Decimal`, { scale: '2' }],
    canonical: '0.00',
  },
  { what: 'a decimal of its own scale', type: FREE, value: { scale: 3, value: 'BNI=' }, canonical: '1.234' },
  { what: 'a date', type: { kind: 'date' }, value: 19782, canonical: '2024-02-29' },
  { what: 'a date as text', type: { kind: 'date' }, value: '2024-02-29', canonical: '2024-02-29' },
  { what: 'a time of up to 3 digits', type: time(3), value: 45_296_123, canonical: '12:34:56.123' },
  { what: 'a time of more digits', type: time(6), value: 45_296_123_456, canonical: '12:34:56.123456' },
  { what: 'a time of no digits', type: time(0), value: 45_296_000, canonical: '12:34:56' },
  { what: 'midnight at the end', type: time(0), value: 86_400_000, canonical: '24:00:00' },
  {
    what: 'a time by its schema',
    type: time(3),
    value: 45_296_123_000,
    schema: ['io.debezium.time.MicroTime'],
    canonical: '12:34:56.123',
  },
  {
    what: 'a time in nanoseconds',
    type: time(6),
    value: 45_296_123_456_000,
    schema: ['io.debezium.time.NanoTime'],
    canonical: '12:34:56.123456',
  },
  { what: "Connect's time", type: time(3), value: 1, schema: [`${CONNECT}.Time`], canonical: '00:00:00.001' },
  { what: 'a timestamp of up to 3 digits', type: stamp(3), value: -1, canonical: '1969-12-31T23:59:59.999' },
  { what: 'a timestamp of more digits', type: stamp(6), value: -1, canonical: '1969-12-31T23:59:59.999999' },
  {
    what: 'a timestamp by its schema',
    type: stamp(6),
    value: 1,
    schema: ['io.debezium.time.Timestamp'],
    canonical: '1970-01-01T00:00:00.001000',
  },
  {
    what: 'a timestamp in nanoseconds',
    type: stamp(6),
    value: 1_700_000_000_123_456_000n,
    schema: ['io.debezium.time.NanoTimestamp'],
    canonical: '2023-11-14T22:13:20.123456',
  },
  {
    what: 'a timestamp as text',
    type: stamp(6),
    value: '2024-02-29T12:34:56.1',
    canonical: '2024-02-29T12:34:56.100000',
  },
  {
    what: 'a zoned timestamp',
    type: STAMPTZ,
    value: '2024-02-29T12:34:56.123456Z',
    canonical: '2024-02-29T12:34:56.123456Z',
  },
  { what: 'bytes', type: { kind: 'bytes' }, value: 'AP8=', canonical: 'AP8=' },
  { what: 'json', type: { kind: 'json' }, value: '{"b":1,  "a":2}', canonical: '{"b":1,  "a":2}' },
  {
    what: 'a uuid',
    type: { kind: 'uuid' },
    value: '123e4567-e89b-12d3-a456-426614174000',
    canonical: '123e4567-e89b-12d3-a456-426614174000',
  },
  { what: 'an unchanged text', type: TEXT, value: PLACEHOLDER, canonical: UNAVAILABLE },
  { what: 'unchanged json', type: { kind: 'json' }, value: PLACEHOLDER, canonical: UNAVAILABLE },
  { what: 'an unchanged numeric', type: FREE, value: PLACEHOLDER, canonical: UNAVAILABLE },
  {
    what: 'unchanged bytes',
    type: { kind: 'bytes' },
    value: Buffer.from(PLACEHOLDER).toString('base64'),
    canonical: UNAVAILABLE,
  },
  {
    what: 'a text that looks like the placeholder of bytes',
    type: TEXT,
    value: 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==',
    canonical: 'X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==',
  },
];

describe('valueDecoder', () => {
  it.each(cases)('$what', (one) => expect(decode(one)).toBe(one.canonical));
});

interface Refusal extends Omit<Case, 'canonical'> {
  readonly says: RegExp;
}

const refusals: readonly Refusal[] = [
  { what: 'a decimal that came as a number', type: DECIMAL, value: 12.5, says: /decimal\.handling\.mode/ },
  { what: 'a numeric that is none', type: DECIMAL, value: 'NAN', says: /"NAN" is not legal/ },
  {
    what: 'days of another schema',
    type: { kind: 'date' },
    value: 1,
    schema: ['io.debezium.time.Year'],
    says: /io\.debezium\.time\.Year/,
  },
  { what: 'a number for a text', type: TEXT, value: 5, says: /a string/ },
  { what: 'an object for a text', type: TEXT, value: { a: 1 }, says: /a string/ },
  { what: 'a long for an int', type: { kind: 'int' }, value: 2 ** 31, says: /2147483647/ },
  { what: 'infinity as a date', type: { kind: 'date' }, value: -2147472692, says: /number of days/ },
  {
    what: 'infinity as a timestamp',
    type: stamp(6),
    value: 9223372036825200000n,
    says: /years 0001 to 9999/,
  },
  {
    what: 'minus infinity as a timestamp',
    type: stamp(3),
    value: -9223372036832400000n,
    says: /years 0001 to 9999/,
  },
  { what: 'infinity with a zone', type: STAMPTZ, value: 'infinity', says: /ISO 8601/ },
  { what: 'year 10000 with a zone', type: STAMPTZ, value: '+10000-01-01T00:00:00Z', says: /ISO 8601/ },
  {
    what: 'microseconds for a field of milliseconds',
    type: stamp(3),
    value: 1_700_000_000_123_456,
    schema: ['io.debezium.time.MicroTimestamp'],
    says: /at most 3 fractional/,
  },
  {
    what: 'microseconds for a time of milliseconds',
    type: time(3),
    value: 1,
    schema: ['io.debezium.time.MicroTime'],
    says: /at most 3 fractional/,
  },
  {
    what: 'nanoseconds that microseconds cannot hold',
    type: stamp(6),
    value: 1_700_000_000_123_456_789n,
    schema: ['io.debezium.time.NanoTimestamp'],
    says: /whole microseconds/,
  },
  { what: 'a fraction for a timestamp', type: stamp(6), value: 1.5, says: /integer or ISO text/ },
  {
    what: 'a schema of something else',
    type: stamp(6),
    value: 1,
    schema: ['io.debezium.time.Year'],
    says: /io\.debezium\.time\.Year/,
  },
  {
    what: 'an interval for a time',
    type: time(6),
    value: 1,
    schema: ['io.debezium.time.MicroDuration'],
    says: /MicroDuration/,
  },
  { what: 'bits for bytes of another alphabet', type: { kind: 'bytes' }, value: '_-8=', says: /base64/ },
];

describe('valueDecoder refuses', () => {
  it.each(refusals)('$what', ({ says, ...one }) => {
    expect(() => decode(one)).toThrow(says);
    expect(() => decode(one)).toThrow(FicusError);
  });

  it('anything at all with a FicusError, never with a bug', () => {
    const kinds: readonly FieldType[] = [
      TEXT,
      DECIMAL,
      FREE,
      time(3),
      stamp(6),
      STAMPTZ,
      ...(['boolean', 'bytes', 'date', 'double', 'int', 'json', 'long', 'uuid'] as const).map((kind) => ({
        kind,
      })),
    ];
    const value = fc.oneof(fc.jsonValue(), fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), fc.double());
    const names = fc.constantFrom(
      undefined,
      'io.debezium.time.Timestamp',
      'io.debezium.time.NanoTime',
      `${CONNECT}.Decimal`,
      'other',
    );
    fc.assert(
      fc.property(fc.constantFrom(...kinds), value, names, (type, given, name) => {
        try {
          decode({ type, value: given, ...(name === undefined ? {} : { schema: [name] as const }) });
        } catch (error) {
          expect(error).toBeInstanceOf(FicusError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('precise decimals', () => {
  it('come through exactly, whatever their size', () => {
    const unscaled = fc.bigInt({ min: -(10n ** 34n) + 1n, max: 10n ** 34n - 1n });
    fc.assert(
      fc.property(unscaled, fc.nat(20), (exact, scale) => {
        const bytes = twosComplement(exact);
        const text = String(
          decode({
            type: FREE,
            value: bytes.toString('base64'),
            schema: [`${CONNECT}.Decimal`, { scale: String(scale) }],
          }),
        );
        const [whole = '', fraction = ''] = text.split('.');
        expect(fraction).toHaveLength(scale);
        expect(BigInt(whole + fraction)).toBe(exact);
      }),
    );
  });
});

/** As Java's `BigInteger.toByteArray` writes it, with a byte to spare. */
function twosComplement(value: bigint): Buffer {
  const width = 17;
  return Buffer.from(
    BigInt.asUintN(width * 8, value)
      .toString(16)
      .padStart(width * 2, '0'),
    'hex',
  );
}
