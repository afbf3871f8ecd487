import { isoFromDays, isoFromMicros, timeFromMicros } from '#core/calendar';
import type { WireValue } from '#core/change-event';
import { FicusError } from '#core/errors';
import { shownValue } from '#core/refusal';
import type { WireModes } from './wire-modes.ts';

/**
 * Dates and times of Debezium's wire as ISO texts. The schema's name says in what unit a number counts; without one it
 * follows from `time.precision.mode` and, in the adaptive ones, from the column's precision, which is the field's.
 */

type Unit = 'ms' | 'ns' | 'us';

const TIME_UNITS: Readonly<Record<string, Unit>> = {
  'io.debezium.time.Time': 'ms',
  'io.debezium.time.MicroTime': 'us',
  'io.debezium.time.NanoTime': 'ns',
  'org.apache.kafka.connect.data.Time': 'ms',
};
const STAMP_UNITS: Readonly<Record<string, Unit>> = {
  'io.debezium.time.Timestamp': 'ms',
  'io.debezium.time.MicroTimestamp': 'us',
  'io.debezium.time.NanoTimestamp': 'ns',
  'org.apache.kafka.connect.data.Timestamp': 'ms',
};
const DATES = ['io.debezium.time.Date', 'org.apache.kafka.connect.data.Date'];

/** Digits that the texts have; `parseCanonical` refuses more of them than the field has. */
const MICROS = 6;

export function dateText({ value, schema }: WireValue): unknown {
  if (typeof value === 'string') return local(value);
  if (schema !== null && schema.name !== null && !DATES.includes(schema.name)) throw unsupported(schema.name);
  return typeof value === 'number' ? isoFromDays(value) : value;
}

export function timeText(precision: number, { value, schema }: WireValue, { time }: WireModes): string {
  if (typeof value === 'string') return local(value);
  const usual = time === 'adaptive_time_microseconds' ? 'us' : unitOf(time, precision);
  const micros = microsOf(value, named(TIME_UNITS, schema?.name, usual));
  return timeFromMicros(micros, MICROS);
}

export function stampText(precision: number, { value, schema }: WireValue, { time }: WireModes): string {
  if (typeof value === 'string') return local(value);
  return stamp(microsOf(value, named(STAMP_UNITS, schema?.name, unitOf(time, precision))));
}

/** `isostring` puts a Z behind values that have no zone. */
function local(text: string): string {
  return text.endsWith('Z') ? text.slice(0, -1) : text;
}

function unitOf(mode: WireModes['time'], precision: number): Unit {
  switch (mode) {
    case 'connect':
      return 'ms';
    case 'microseconds':
      return 'us';
    case 'nanoseconds':
      return 'ns';
    case 'adaptive':
    case 'adaptive_time_microseconds':
    case 'isostring':
      return precision <= 3 ? 'ms' : 'us';
  }
}

function named(units: Readonly<Record<string, Unit>>, name: string | null | undefined, usual: Unit): Unit {
  if (name === null || name === undefined) return usual;
  const unit = Object.hasOwn(units, name) ? units[name] : undefined;
  if (unit === undefined) throw unsupported(name);
  return unit;
}

function microsOf(value: unknown, unit: Unit): bigint {
  const amount = whole(value);
  if (unit === 'us') return amount;
  return unit === 'ms' ? amount * 1_000n : fromNanos(amount);
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
