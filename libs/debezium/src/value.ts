import { UNAVAILABLE, type ValueDecoder, type WireValue } from '#core/change-event';
import { FicusError } from '#core/errors';
import type { ElementType, FieldType } from '#core/field-type';
import { shownValue } from '#core/refusal';
import { hexToBase64, parseCanonical } from '#core/value';
import { decimalText } from './decimal.ts';
import { placeholderTest } from './placeholder.ts';
import { dateText, stampText, timeText } from './temporal.ts';
import type { WireModes } from './wire-modes.ts';

/**
 * Decodes values of Debezium's formats. With a schema its semantic name decides; without, the plan's type and the modes
 * of the connector. Formats: Debezium documentation, "Data type mappings".
 */
export function valueDecoder(modes: WireModes): ValueDecoder {
  const isPlaceholder = placeholderTest(modes);
  return (type, wire) => {
    const { value } = wire;
    if (value === null || value === undefined) return null;
    if (isPlaceholder(type, value)) return UNAVAILABLE;
    return parseCanonical(type, nearCanonical(type, wire, modes));
  };
}

/** What `parseCanonical` takes. */
function nearCanonical(type: FieldType, wire: WireValue, modes: WireModes): unknown {
  const { value } = wire;
  switch (type.kind) {
    case 'decimal':
      return decimalText(wire, modes, type.extended === true);
    case 'long':
      return typeof value === 'bigint' || typeof value === 'number' ? String(value) : value;
    case 'date':
      return dateText(wire, type.extended === true);
    case 'time':
      return timeText(type.precision, wire, modes);
    case 'timestamp':
      return stampText(type, wire, modes);
    case 'double':
    case 'float':
      return typeof value === 'bigint' ? Number(value) : value;
    case 'boolean':
      return typeof value === 'number' ? value !== 0 : value;
    case 'bytes':
      return bytesText(wire, modes);
    case 'interval':
      return intervalText(wire);
    case 'bits':
      return bitsText(type.length, value);
    case 'hstore':
      return isMap(value) ? JSON.stringify(value) : value;
    case 'array':
      return elementsOf(type.of, wire, modes);
    case 'int':
    case 'json':
    case 'string':
    case 'timestamptz':
    case 'timetz':
    case 'uuid':
      return value;
  }
}

/** A row of an array that Java could not print: what Debezium 3.3.1 sends of an array of two dimensions. */
const JAVA_ARRAY = /^\[L?[\w.]+;?@[0-9a-f]+$/;

function elementsOf(type: ElementType, { value, schema }: WireValue, modes: WireModes): unknown {
  if (!Array.isArray(value)) return value;
  return value.map((element: unknown) => {
    if (element === null) return null;
    if (typeof element === 'string' && JAVA_ARRAY.test(element))
      throw new FicusError(
        'value_invalid',
        `${shownValue(element)} is not legal here; legal is an array of one dimension`,
      );
    return nearCanonical(type, { value: element, schema: schema?.items ?? null }, modes);
  });
}

function intervalText({ value }: WireValue): unknown {
  if (typeof value === 'string') return wholeMicros(value);
  if (typeof value !== 'number' && typeof value !== 'bigint') return value;
  throw new FicusError(
    'value_invalid',
    `${shownValue(value)} came as microseconds, in which months and days are lost; set the connector's interval.handling.mode to string`,
  );
}

/**
 * Debezium 3.3.1 takes the seconds through a double and cuts it to nine digits: it sends 1.558855 s as `1.558854999S`.
 * Nothing but whole microseconds can have been meant by what is a nanosecond from them.
 */
function wholeMicros(text: string): string {
  return text.replace(/(\d+)\.(\d{9})S$/, (sent, seconds: string, fraction: string) => {
    const nanos = BigInt(seconds + fraction);
    const micros = (nanos + 500n) / 1_000n;
    const off = nanos - micros * 1_000n;
    if (off < -1n || off > 1n) return sent;
    return `${micros / 1_000_000n}.${String(micros % 1_000_000n).padStart(6, '0')}S`;
  });
}

/** Octets from the lowest on, without those at the end that are 0; a single bit comes as a boolean. */
function bitsText(length: number, value: unknown): unknown {
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value !== 'string') return value;
  const octets = [...Buffer.from(value, 'base64')].reverse();
  const bits = octets.map((octet) => octet.toString(2).padStart(8, '0')).join('');
  return bits.replace(/^0+/, '').padStart(length, '0');
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** In every mode but `bytes` a bytea travels as a text, and its schema is a plain string's. */
function bytesText({ value, schema }: WireValue, { binary }: WireModes): unknown {
  if (typeof value !== 'string' || schema?.type === 'bytes') return value;
  switch (binary) {
    case 'bytes':
    case 'base64':
      return value;
    case 'base64-url-safe':
      return value.replaceAll('-', '+').replaceAll('_', '/');
    case 'hex':
      if (/^([0-9a-f]{2})*$/i.test(value)) return hexToBase64(value);
      throw new FicusError(
        'value_invalid',
        `${shownValue(value)} is not legal here; legal is an even number of hexadecimal digits`,
      );
  }
}
