import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { WireValue } from '#core/change-event';
import { type CanonicalScalar, type CanonicalValue, type FieldType, isList } from '#core/field-type';
import { EVERY_TYPE } from '#testing/every-type';
import { canonicalOf } from '#testing/random-values';
import { parseLossless } from './json.ts';
import { valueDecoder } from './value.ts';
import { FICUS_MODES, type WireModes } from './wire-modes.ts';

/** What Debezium sends of a value; undefined where a mode cannot carry it. `name` is the schema's. */
interface Sent {
  readonly value: unknown;
  readonly name: string | null;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly type?: string;
  readonly items?: Sent | undefined;
}

const ISO_STAMP = /^(.*?)(?:\.(\d+))?Z?$/;

function microsOf(text: string): bigint {
  const [, head = '', fraction = ''] = ISO_STAMP.exec(text) ?? [];
  return BigInt(Date.parse(`${head}Z`)) * 1_000n + BigInt(fraction.padEnd(6, '0'));
}

function microsOfDay(text: string): bigint {
  const [clock = '', fraction = ''] = text.split('.');
  const [h = 0, m = 0, s = 0] = clock.split(':').map(Number);
  return BigInt((h * 60 + m) * 60 + s) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
}

/** Java prints no more of a fraction than it needs. */
function shortened(time: string): string {
  return `${time.replace(/\.0+$|(\.\d*[1-9])0+$/, '$1')}Z`;
}

/** A number as JSON has it, so that it comes in as `parseLossless` reads it. */
function integer(value: bigint): unknown {
  return parseLossless(String(value));
}

function counted(
  micros: bigint,
  unit: 'ms' | 'us' | 'ns',
  kind: 'Time' | 'Timestamp',
  connect: boolean,
): Sent {
  const prefix = { ms: '', us: 'Micro', ns: 'Nano' }[unit];
  const name = connect ? `org.apache.kafka.connect.data.${kind}` : `io.debezium.time.${prefix}${kind}`;
  const value = unit === 'ms' ? micros / 1_000n : unit === 'us' ? micros : micros * 1_000n;
  return { value: integer(value), name };
}

const INFINITE: Readonly<Record<string, bigint>> = {
  infinity: 9_223_372_036_825_200_000n,
  '-infinity': -9_223_372_036_832_400_000n,
};
const ISO_INFINITE: Readonly<Record<string, string>> = {
  infinity: '+294247-01-10T04:00:25.2Z',
  '-infinity': '-290308-12-21T19:59:27.6Z',
};

function unitOf(mode: WireModes['time'], precision: number, kind: 'Time' | 'Timestamp'): 'ms' | 'us' | 'ns' {
  if (mode === 'connect') return 'ms';
  if (mode === 'microseconds' || (mode === 'adaptive_time_microseconds' && kind === 'Time')) return 'us';
  if (mode === 'nanoseconds') return 'ns';
  return precision <= 3 ? 'ms' : 'us';
}

function bytesOf(unscaled: bigint): string {
  let width = 1;
  while (BigInt.asIntN(width * 8, unscaled) !== unscaled) width++;
  const hex = BigInt.asUintN(width * 8, unscaled).toString(16);
  return Buffer.from(hex.padStart(width * 2, '0'), 'hex').toString('base64');
}

function decimal(text: string, scale: number | null, mode: WireModes['decimal']): Sent | undefined {
  const odd = { NaN: 'NAN', Infinity: 'POSITIVE_INFINITY', '-Infinity': 'NEGATIVE_INFINITY' }[text];
  if (mode === 'string') return { value: odd ?? text, name: null };
  if (odd !== undefined) return undefined;
  const [whole = '', fraction = ''] = text.split('.');
  const value = bytesOf(BigInt(whole + fraction));
  return scale === null
    ? { value: { scale: fraction.length, value }, name: 'io.debezium.data.VariableScaleDecimal' }
    : {
        value,
        name: 'org.apache.kafka.connect.data.Decimal',
        parameters: { scale: String(scale) },
        type: 'bytes',
      };
}

/** Octets from the lowest on, without those at the end that are 0, as Java's BitSet. */
function bits(text: string): Sent {
  if (text.length === 1) return { value: text === '1', name: null, type: 'boolean' };
  const hex = BigInt(`0b${text}`).toString(16);
  const octets = Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').reverse();
  const value = /1/.test(text) ? octets.toString('base64') : '';
  return { value, name: 'io.debezium.data.Bits', parameters: { length: String(text.length) }, type: 'bytes' };
}

function bytes(base64: string, mode: WireModes['binary']): Sent {
  const buffer = Buffer.from(base64, 'base64');
  if (mode === 'bytes') return { value: base64, name: null, type: 'bytes' };
  const value =
    mode === 'hex'
      ? buffer.toString('hex')
      : mode === 'base64'
        ? base64
        : base64.replaceAll('+', '-').replaceAll('/', '_');
  return { value, name: null };
}

/** `P1Y2M3DT4H5M6.7S`, every part of it, as Debezium's Interval.toIsoString. */
function interval(canonical: string): Sent {
  const match =
    /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?$/.exec(
      canonical,
    );
  const [y, mo, d, h, m, s] = (match ?? []).slice(1).map((part) => part ?? '0');
  return { value: `P${y}Y${mo}M${d}DT${h}H${m}M${s}S`, name: 'io.debezium.time.Interval' };
}

/** Not by JSON.parse as a whole, see hstore.ts. */
function mapOf(text: string): unknown {
  const pairs = [...text.matchAll(/("(?:[^"\\]|\\.)*"):("(?:[^"\\]|\\.)*"|null)/gs)];
  return Object.fromEntries(pairs.map(([, name = '', value = '']) => [JSON.parse(name), JSON.parse(value)]));
}

function encode(type: FieldType, value: CanonicalScalar, modes: WireModes): Sent | undefined {
  if (value === null) return { value, name: null };
  const text = String(value);
  const iso = modes.time === 'isostring';
  const connect = modes.time === 'connect';
  switch (type.kind) {
    case 'int':
    case 'boolean':
    case 'double':
    case 'float':
      return { value, name: null };
    case 'long':
      return { value: integer(BigInt(text)), name: null, type: 'int64' };
    case 'decimal':
      return decimal(text, type.scale, modes.decimal);
    case 'bytes':
      return bytes(text, modes.binary);
    case 'bits':
      return bits(text);
    case 'date':
      if (text === 'infinity')
        return iso
          ? { value: '-5877611-06-21Z', name: 'io.debezium.time.IsoDate' }
          : { value: -2147472692, name: 'io.debezium.time.Date' };
      if (text === '-infinity')
        return iso
          ? { value: '+292269055-12-02Z', name: 'io.debezium.time.IsoDate' }
          : { value: -625821272, name: 'io.debezium.time.Date' };
      if (iso) return { value: `${text}Z`, name: 'io.debezium.time.IsoDate' };
      return {
        value: Date.parse(`${text}T00:00:00Z`) / 86_400_000,
        name: connect ? 'org.apache.kafka.connect.data.Date' : 'io.debezium.time.Date',
      };
    case 'time': {
      if (iso) return { value: shortened(text), name: 'io.debezium.time.IsoTime' };
      const unit = unitOf(modes.time, type.precision, 'Time');
      const micros = microsOfDay(text);
      return unit === 'ms' && micros % 1_000n !== 0n ? undefined : counted(micros, unit, 'Time', connect);
    }
    case 'timestamp': {
      if (iso) return { value: ISO_INFINITE[text] ?? `${text}Z`, name: 'io.debezium.time.IsoTimestamp' };
      const unit = unitOf(modes.time, type.precision, 'Timestamp');
      const micros = INFINITE[text] ?? microsOf(text);
      if (unit === 'ms' && micros % 1_000n !== 0n) return undefined;
      if (unit === 'ns' && BigInt.asIntN(64, micros * 1_000n) !== micros * 1_000n) return undefined;
      return counted(micros, unit, 'Timestamp', connect);
    }
    case 'timestamptz':
      return { value: text, name: 'io.debezium.time.ZonedTimestamp' };
    case 'timetz':
      return { value: shortened(text.slice(0, -1)), name: 'io.debezium.time.ZonedTime' };
    case 'interval':
      return interval(text);
    case 'hstore':
      return modes.hstore === 'json'
        ? { value: text, name: 'io.debezium.data.Json' }
        : { value: mapOf(text), name: null, type: 'map' };
    case 'json':
      return { value: text, name: 'io.debezium.data.Json' };
    case 'uuid':
      return { value: text, name: 'io.debezium.data.Uuid' };
    case 'string':
      return { value: type.trim ? text.padEnd(type.length ?? 0) : text, name: null };
    case 'array':
      return undefined;
  }
}

function send(type: FieldType, value: CanonicalValue, modes: WireModes): Sent | undefined {
  if (!isList(value) || type.kind !== 'array') return isList(value) ? undefined : encode(type, value, modes);
  const sent = value.map((element) => encode(type.of, element, modes));
  const items = sent.find((one) => one?.value !== null);
  return { value: sent.map((one) => one?.value), name: null, type: 'array', items };
}

function schemaOf({ name, type = 'string', parameters = {}, items }: Sent): NonNullable<WireValue['schema']> {
  return { name, type, parameters, ...(items === undefined ? {} : { items: schemaOf(items) }) };
}

const variants: readonly (readonly [name: string, modes: WireModes])[] = [
  ['what Ficus sets', FICUS_MODES],
  ...(['adaptive_time_microseconds', 'connect', 'isostring', 'microseconds', 'nanoseconds'] as const).map(
    (time) => [time, { ...FICUS_MODES, time }] as const,
  ),
  ...(['base64', 'base64-url-safe', 'hex'] as const).map(
    (binary) => [binary, { ...FICUS_MODES, binary }] as const,
  ),
  ['precise', { ...FICUS_MODES, decimal: 'precise' }],
  ['maps', { ...FICUS_MODES, hstore: 'map' }],
  ['another placeholder', { ...FICUS_MODES, placeholder: 'hex:00ff102030405060708090' }],
];

describe.each(variants)('with %s', (_name, modes) => {
  const decode = valueDecoder(modes);

  it.each(EVERY_TYPE)('%j comes through exactly, with a schema and without', (type) => {
    fc.assert(
      fc.property(fc.option(canonicalOf(type), { nil: null, freq: 20 }), (value) => {
        const sent = send(type, value, modes);
        fc.pre(sent !== undefined);
        if (sent === undefined) return;
        expect(decode(type, { value: sent.value, schema: schemaOf(sent) })).toEqual(value);
        const isBare = type.kind === 'decimal' && modes.decimal === 'precise' && type.scale !== null;
        if (!isBare) expect(decode(type, { value: sent.value, schema: null })).toEqual(value);
      }),
      { numRuns: 50 },
    );
  });
});
