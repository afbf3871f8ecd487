import { isoFromDays, isoFromMicros, stampFromMicros, timeFromMicros } from '#core/calendar';
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

/**
 * PostgreSQL's infinities, as 3.3.1 sends them: of a date in a streamed row and in a snapshot's (by way of JDBC, so a day
 * more or less by the connector's time zone), and of a timestamp in microseconds.
 */
const INFINITE_DAYS: readonly (readonly [days: number, spread: number, text: string])[] = [
  [-2_147_472_692, 0, 'infinity'],
  [-2_147_472_691, 0, '-infinity'],
  [-622_191_234, 1, 'infinity'],
  [-625_821_272, 1, '-infinity'],
];
const INFINITE_MICROS: ReadonlyMap<bigint, string> = new Map([
  [9_223_372_036_825_200_000n, 'infinity'],
  [-9_223_372_036_832_400_000n, '-infinity'],
]);
/** The same where they travel as ISO text. */
const INFINITE_TEXTS: Readonly<Record<string, string>> = {
  '-5877611-06-21': 'infinity',
  '-5877611-06-22': '-infinity',
  '+292278994-08-16': 'infinity',
  '+292269055-12-02': '-infinity',
  '+294247-01-10T04:00:25.2': 'infinity',
  '-290308-12-21T19:59:27.6': '-infinity',
};

export function dateText({ value, schema }: WireValue, extended: boolean): unknown {
  if (typeof value === 'string') return local(value, extended);
  if (schema !== null && schema.name !== null && !DATES.includes(schema.name)) throw unsupported(schema.name);
  if (typeof value !== 'number') return value;
  const infinite = INFINITE_DAYS.find(([days, spread]) => Math.abs(value - days) <= spread);
  return extended && infinite !== undefined ? infinite[2] : isoFromDays(value, extended);
}

export function timeText(precision: number, { value, schema }: WireValue, { time }: WireModes): string {
  if (typeof value === 'string') return local(value, false);
  const usual = time === 'adaptive_time_microseconds' ? 'us' : unitOf(time, precision);
  const micros = microsOf(value, named(TIME_UNITS, schema?.name, usual));
  return timeFromMicros(micros, MICROS);
}

export function stampText(
  { precision, extended }: { readonly precision: number; readonly extended?: true },
  { value, schema }: WireValue,
  { time }: WireModes,
): string {
  if (typeof value === 'string') return local(value, extended === true);
  const micros = microsOf(value, named(STAMP_UNITS, schema?.name, unitOf(time, precision)));
  if (extended !== true) return stamp(micros);
  return INFINITE_MICROS.get(micros) ?? stampFromMicros(micros, MICROS) ?? String(micros);
}

/** `isostring` puts a Z behind values that have no zone. */
function local(text: string, extended: boolean): string {
  const bare = text.endsWith('Z') ? text.slice(0, -1) : text;
  return extended && Object.hasOwn(INFINITE_TEXTS, bare) ? (INFINITE_TEXTS[bare] ?? bare) : bare;
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

/** Years beyond 1 to 9999 (infinity among them) are refused by name. */
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
