import { describe, expect, it } from 'vitest';
import { UNAVAILABLE } from '#core/change-event';
import type { FieldType } from '#core/field-type';
import { valueDecoder } from './value.ts';
import { FICUS_MODES, type WireModes } from './wire-modes.ts';

/** Values without a schema, by the connector's modes. */
interface Given {
  readonly what: string;
  readonly type: FieldType;
  readonly value: unknown;
  /** Beside those that Ficus sets. */
  readonly modes?: Partial<WireModes>;
  /** Semantic name, where the record had schemas. */
  readonly schema?: readonly [string];
}

interface Case extends Given {
  readonly canonical: unknown;
}

interface Refusal extends Given {
  readonly says: RegExp;
}

const TEXT: FieldType = { kind: 'string', trim: false, length: null };
const DECIMAL: FieldType = { kind: 'decimal', precision: 10, scale: 2 };
const time = (precision: number): FieldType => ({ kind: 'time', precision });
const stamp = (precision: number): FieldType => ({ kind: 'timestamp', precision });
const PLACEHOLDER = '__debezium_unavailable_value';
const CONNECT = 'org.apache.kafka.connect.data';

function decode({ type, value, modes, schema }: Given): unknown {
  const [name] = schema ?? [];
  const decoder = valueDecoder({ ...FICUS_MODES, ...modes });
  return decoder(type, { value, schema: name === undefined ? null : { name, type: '', parameters: {} } });
}

const EVER: FieldType = { kind: 'date', extended: true };
const WIDE: FieldType = { kind: 'decimal', precision: null, scale: null, extended: true };
const longStamp = (precision: number): FieldType => ({ kind: 'timestamp', precision, extended: true });

/** As Debezium 3.3.1 sends them, streamed and from a snapshot. */
const odd: readonly Case[] = [
  { what: 'infinity, streamed', type: EVER, value: -2147472692, canonical: 'infinity' },
  { what: 'minus infinity, streamed', type: EVER, value: -2147472691, canonical: '-infinity' },
  { what: 'infinity of a snapshot', type: EVER, value: -622191234, canonical: 'infinity' },
  { what: 'infinity of a snapshot, elsewhere', type: EVER, value: -622191235, canonical: 'infinity' },
  { what: 'minus infinity of a snapshot', type: EVER, value: -625821272, canonical: '-infinity' },
  { what: 'a year BC', type: EVER, value: -735160, canonical: '-000043-03-15' },
  { what: 'a year of five digits', type: EVER, value: 2932897, canonical: '+010000-01-01' },
  { what: 'infinity in milliseconds', type: longStamp(3), value: 9223372036825200n, canonical: 'infinity' },
  {
    what: 'minus infinity in microseconds',
    type: longStamp(6),
    value: -9223372036832400000n,
    canonical: '-infinity',
  },
  {
    what: 'a timestamp BC',
    type: longStamp(6),
    value: -63517787999876544n,
    canonical: '-000043-03-15T10:00:00.123456',
  },
  {
    what: 'seconds that went through a double',
    type: { kind: 'interval' },
    value: 'P-3839Y-3M0DT0H58M-1.558854999S',
    canonical: 'P-3839Y-3MT57M58.441145S',
  },
  {
    what: 'seconds that a double made less than a minute',
    type: { kind: 'interval' },
    value: 'P0Y0M0DT0H0M59.999999999S',
    canonical: 'PT1M',
  },
  {
    what: 'infinity with a zone',
    type: { kind: 'timestamptz', precision: 3, extended: true },
    value: 'infinity',
    canonical: 'infinity',
  },
  {
    what: 'year 10000 with a zone',
    type: { kind: 'timestamptz', precision: 6, extended: true },
    value: '+10000-01-01T00:00:00.000001Z',
    canonical: '+010000-01-01T00:00:00.000001Z',
  },
  { what: 'a numeric that is none', type: WIDE, value: 'NAN', canonical: 'NaN' },
  { what: 'an infinite numeric', type: WIDE, value: 'NEGATIVE_INFINITY', canonical: '-Infinity' },
];

const cases: readonly Case[] = [
  {
    what: 'microseconds, by the mode, for a field of milliseconds',
    type: time(3),
    value: 1_000,
    modes: { time: 'adaptive_time_microseconds' },
    canonical: '00:00:00.001',
  },
  {
    what: 'milliseconds, by the adaptive mode for times of microseconds',
    type: stamp(3),
    value: 1,
    modes: { time: 'adaptive_time_microseconds' },
    canonical: '1970-01-01T00:00:00.001',
  },
  {
    what: 'nanoseconds, by the mode',
    type: stamp(6),
    value: 1_700_000_000_123_456_000n,
    modes: { time: 'nanoseconds' },
    canonical: '2023-11-14T22:13:20.123456',
  },
  {
    what: "a date of Connect's",
    type: { kind: 'date' },
    value: 0,
    schema: [`${CONNECT}.Date`],
    canonical: '1970-01-01',
  },
  { what: 'a date as ISO text', type: { kind: 'date' }, value: '2024-02-29Z', canonical: '2024-02-29' },
  { what: 'a time as ISO text', type: time(6), value: '12:34:56.1Z', canonical: '12:34:56.100000' },
  {
    what: 'a timestamp as ISO text',
    type: stamp(6),
    value: '2024-02-29T12:34:56Z',
    canonical: '2024-02-29T12:34:56.000000',
  },
  {
    what: 'bytes as hexadecimal digits',
    type: { kind: 'bytes' },
    value: '00ff',
    modes: { binary: 'hex' },
    canonical: 'AP8=',
  },
  {
    what: 'bytes of another alphabet, by the mode',
    type: { kind: 'bytes' },
    value: '_-8=',
    modes: { binary: 'base64-url-safe' },
    canonical: '/+8=',
  },
  {
    what: 'an unchanged text, by another placeholder',
    type: TEXT,
    value: 'gone',
    modes: { placeholder: 'gone' },
    canonical: UNAVAILABLE,
  },
  {
    what: 'the usual placeholder where another is set',
    type: TEXT,
    value: PLACEHOLDER,
    modes: { placeholder: 'gone' },
    canonical: PLACEHOLDER,
  },
  {
    what: 'unchanged bytes, by another placeholder',
    type: { kind: 'bytes' },
    value: 'Z29uZQ==',
    modes: { placeholder: 'gone' },
    canonical: UNAVAILABLE,
  },
  {
    what: 'unchanged bytes, by a placeholder of octets',
    type: { kind: 'bytes' },
    value: 'AP8Q',
    modes: { placeholder: 'hex:00ff10' },
    canonical: UNAVAILABLE,
  },
  {
    what: 'an unchanged text, by a placeholder of octets',
    type: TEXT,
    value: '\0\ufffd\u0010',
    modes: { placeholder: 'hex:00ff10' },
    canonical: UNAVAILABLE,
  },
  {
    what: 'unchanged bytes as hexadecimal digits',
    type: { kind: 'bytes' },
    value: PLACEHOLDER,
    modes: { binary: 'hex' },
    canonical: UNAVAILABLE,
  },
];

const refusals: readonly Refusal[] = [
  {
    what: 'a precise decimal without a scale',
    type: DECIMAL,
    value: 'BNI=',
    modes: { decimal: 'precise' },
    says: /in no schema.*decimal\.handling\.mode/,
  },
  {
    what: 'bytes that are no hexadecimal digits',
    type: { kind: 'bytes' },
    value: '0g',
    modes: { binary: 'hex' },
    says: /hexadecimal/,
  },
  {
    what: 'an interval as microseconds',
    type: { kind: 'interval' },
    value: 5,
    says: /interval\.handling\.mode to string/,
  },
  {
    what: 'nanoseconds of an interval',
    type: { kind: 'interval' },
    value: 'PT1.558854998S',
    says: /6 fractional digits/,
  },
  { what: 'a date beyond the last', type: EVER, value: 2145042905, says: /number of days/ },
  { what: 'a timestamp beyond the last', type: longStamp(6), value: -9223372036853775000n, says: /275760/ },
];

describe('valueDecoder, by the modes,', () => {
  it.each(odd)('reads $what', (one) => expect(decode(one)).toBe(one.canonical));
  it.each(cases)('reads $what', (one) => expect(decode(one)).toBe(one.canonical));
  it.each(refusals)('refuses $what', (one) => expect(() => decode(one)).toThrow(one.says));
});
