import { UNAVAILABLE, type ValueDecoder, type WireValue } from '#core/change-event';
import { FicusError } from '#core/errors';
import type { CanonicalValue, FieldType } from '#core/field-type';
import {
  isoFromDays,
  isoFromMicros,
  parseCanonical,
  plainDecimal,
  shownValue,
  timeFromMicros,
} from '#core/value';

/** Debezium's default `unavailable.value.placeholder`, and its base64 form in a bytea column. */
const PLACEHOLDER = '__debezium_unavailable_value';
const PLACEHOLDER_BASE64 = Buffer.from(PLACEHOLDER).toString('base64');

/** Times are written with all their digits; `parseCanonical` refuses more of them than the field has. */
const MICROS = 6;

const JSON_KINDS: readonly FieldType['kind'][] = ['string', 'json', 'uuid'];

/**
 * Decodes a value of Debezium's JSON formats. With schemas the semantic name decides; without, the plan's type and
 * the modes that Ficus configures (`decimal.handling.mode=string`, `time.precision.mode=adaptive`,
 * `binary.handling.mode=bytes`). Formats: Debezium documentation, "Data type mappings".
 */
export const decodeValue: ValueDecoder = (type, wire) => {
  const { value } = wire;
  if (value === null || value === undefined) return null;
  if (value === PLACEHOLDER || (type.kind === 'bytes' && value === PLACEHOLDER_BASE64)) return UNAVAILABLE;
  if (JSON_KINDS.includes(type.kind)) return parseCanonical(type, value);
  switch (type.kind) {
    case 'decimal':
      return parseCanonical(type, decimalText(wire));
    case 'long':
      return parseCanonical(
        type,
        typeof value === 'bigint' || typeof value === 'number' ? String(value) : value,
      );
    case 'date':
      return parseCanonical(type, typeof value === 'number' ? isoFromDays(value) : value);
    case 'time':
      return parseCanonical(type, timeText(type.precision, wire));
    case 'timestamp':
      return parseCanonical(type, stampText(type.precision, wire));
    case 'double':
    case 'float':
      return parseCanonical(type, typeof value === 'bigint' ? Number(value) : value);
    case 'boolean':
      return parseCanonical(type, typeof value === 'number' ? value !== 0 : value);
    default:
      return parseCanonical(type, value);
  }
};

function decimalText(wire: WireValue): CanonicalValue {
  const { value, schema } = wire;
  if (schema?.name === 'org.apache.kafka.connect.data.Decimal' && typeof value === 'string') {
    return withScale(unscaled(value), Number(schema.parameters['scale'] ?? 0));
  }
  if (isVariableScale(value)) return withScale(unscaled(value.value), value.scale);
  if (typeof value === 'string') return plainDecimal(value);
  throw new FicusError(
    'value_invalid',
    `${shownValue(value)} came as a number, which loses digits; set the connector's decimal.handling.mode to string or precise`,
  );
}

/** `io.debezium.data.VariableScaleDecimal`: numeric without a scale of its own. */
function isVariableScale(value: unknown): value is { scale: number; value: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'scale' in value &&
    Number.isSafeInteger(value.scale) &&
    'value' in value &&
    typeof value.value === 'string'
  );
}

/** Base64 of a big-endian two's-complement integer. */
function unscaled(base64: string): bigint {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

function withScale(value: bigint, scale: number): string {
  return plainDecimal(`${value}E${-scale}`);
}

function timeText(precision: number, { value, schema }: WireValue): CanonicalValue {
  if (typeof value === 'string') return value;
  const amount = whole(value);
  const name = schema?.name ?? (precision <= 3 ? 'io.debezium.time.Time' : 'io.debezium.time.MicroTime');
  switch (name) {
    case 'io.debezium.time.Time':
    case 'org.apache.kafka.connect.data.Time':
      return timeFromMicros(amount * 1_000n, MICROS);
    case 'io.debezium.time.MicroTime':
      return timeFromMicros(amount, MICROS);
    case 'io.debezium.time.NanoTime':
      return timeFromMicros(fromNanos(amount), MICROS);
    default:
      throw unsupported(name);
  }
}

function stampText(precision: number, { value, schema }: WireValue): CanonicalValue {
  if (typeof value === 'string') return value;
  const amount = whole(value);
  const name =
    schema?.name ?? (precision <= 3 ? 'io.debezium.time.Timestamp' : 'io.debezium.time.MicroTimestamp');
  switch (name) {
    case 'io.debezium.time.Timestamp':
    case 'org.apache.kafka.connect.data.Timestamp':
      return stamp(amount * 1_000n);
    case 'io.debezium.time.MicroTimestamp':
      return stamp(amount);
    case 'io.debezium.time.NanoTimestamp':
      return stamp(fromNanos(amount));
    default:
      throw unsupported(name);
  }
}

/** Years beyond 1 to 9999 (infinity among them) have no canonical form yet and are refused by name. */
function stamp(micros: bigint): string {
  if (micros < -62_135_596_800_000_000n || micros >= 253_402_300_800_000_000n) {
    throw new FicusError(
      'value_invalid',
      `timestamp ${micros} µs is not legal here; legal are the years 0001 to 9999`,
    );
  }
  return isoFromMicros(micros, MICROS);
}

function fromNanos(nanos: bigint): bigint {
  if (nanos % 1_000n === 0n) return nanos / 1_000n;
  throw new FicusError('value_invalid', `${nanos} ns is not legal here; legal are whole microseconds`);
}

function whole(value: unknown): bigint {
  if (typeof value === 'bigint') return value;
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  throw new FicusError(
    'value_invalid',
    `${shownValue(value)} is not legal here; legal is an integer or ISO text`,
  );
}

function unsupported(name: string): FicusError {
  return new FicusError('value_invalid', `schema ${name} is none that a field of this type can be read from`);
}
