import { UNAVAILABLE, type ValueDecoder, type WireValue } from '#core/change-event';
import { FicusError } from '#core/errors';
import type { FieldType } from '#core/field-type';
import { hexToBase64, parseCanonical, shownValue } from '#core/value';
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
      return decimalText(wire, modes);
    case 'long':
      return typeof value === 'bigint' || typeof value === 'number' ? String(value) : value;
    case 'date':
      return dateText(wire);
    case 'time':
      return timeText(type.precision, wire, modes);
    case 'timestamp':
      return stampText(type.precision, wire, modes);
    case 'double':
    case 'float':
      return typeof value === 'bigint' ? Number(value) : value;
    case 'boolean':
      return typeof value === 'number' ? value !== 0 : value;
    case 'bytes':
      return bytesText(wire, modes);
    case 'int':
    case 'json':
    case 'string':
    case 'timestamptz':
    case 'uuid':
      return value;
  }
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
