import type { CanonicalValue, FieldType } from './field-type.ts';
import { refuse } from './refusal.ts';

const DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const TIME = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/;
const STAMP =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(Z|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)?$/;
/** Days since the epoch of 0001-01-01 and 9999-12-31. */
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;
/** PostgreSQL's zones have seconds; they are less than 16 hours from UTC. */
const ZONED_TIME =
  /^(\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(?:Z|([+-])(0\d|1[0-5])(?::?([0-5]\d)(?::?([0-5]\d))?)?)$/;
const DAY_SECONDS = 86_400;

export function parseDate(value: unknown): CanonicalValue {
  return typeof value === 'string' && isDate(value) ? value : refuse(value, 'a date, YYYY-MM-DD');
}

export function parseTime(value: unknown, precision: number): CanonicalValue {
  const time = typeof value === 'string' ? padTime(value, precision) : null;
  return time ?? refuse(value, `a time, HH:MM:SS with at most ${precision} fractional digits`);
}

/**
 * A time with a zone becomes the one in UTC: that is all that an event tells of it. 24:00 is 00:00 of the next day.
 */
export function parseZonedTime(value: unknown, precision: number): CanonicalValue {
  const legal = `a time with a zone, such as 13:45:30+02:00, with at most ${precision} fractional digits`;
  const match = typeof value === 'string' ? ZONED_TIME.exec(value) : null;
  const time = match === null ? null : padTime(match[1] ?? '', precision);
  if (match === null || time === null) return refuse(value, legal);
  const [, , sign, hours, minutes, seconds] = match;
  const offset = (Number(hours ?? 0) * 60 + Number(minutes ?? 0)) * 60 + Number(seconds ?? 0);
  const [hour = 0, minute = 0, second = 0] = time.slice(0, 8).split(':').map(Number);
  const local = (hour * 60 + minute) * 60 + second;
  const utc = (local + (sign === '-' ? offset : -offset) + 2 * DAY_SECONDS) % DAY_SECONDS;
  return `${timeFromMicros(BigInt(utc) * 1_000_000n, 0)}${time.slice(8)}Z`;
}

export function parseStamp(
  value: unknown,
  type: Extract<FieldType, { kind: 'timestamp' | 'timestamptz' }>,
): CanonicalValue {
  const zoned = type.kind === 'timestamptz';
  const legal = `ISO 8601 ${zoned ? 'with a zone' : 'without a zone'} and at most ${type.precision} fractional digits, years 0001 to 9999`;
  const match = typeof value === 'string' ? STAMP.exec(value) : null;
  if (match === null) return refuse(value, legal);
  const [, date = '', clock = '', zone] = match;
  const time = padTime(clock, type.precision);
  if (!isDate(date) || time === null || time.startsWith('24') || (zone !== undefined) !== zoned)
    return refuse(value, legal);
  if (!zoned) return `${date}T${time}`;
  const utc = shift(`${date}T${time}`, zone ?? 'Z');
  // A zone can carry the first and the last day out of the years that are legal.
  return isDate(utc.slice(0, 10)) ? `${utc}Z` : refuse(value, legal);
}

/** Moves a local time into UTC; the fraction is untouched, since zones are whole minutes. */
function shift(local: string, zone: string): string {
  if (zone === 'Z') return local;
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  const minutes = (Number(match?.[2] ?? 0) * 60 + Number(match?.[3] ?? 0)) * (match?.[1] === '-' ? -1 : 1);
  const seconds = Date.parse(`${local.slice(0, 19)}Z`) - minutes * 60_000;
  return new Date(seconds).toISOString().slice(0, 19) + local.slice(19);
}

function isDate(text: string): boolean {
  const match = DATE.exec(text);
  if (match === null || match[1] === '0000') return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return Number.isFinite(ms) && new Date(ms).toISOString().slice(0, 10) === text;
}

function padTime(text: string, precision: number): string | null {
  const match = TIME.exec(text);
  if (match === null) return null;
  const [, hours = '', minutes = '', seconds = '', fraction = ''] = match;
  const midnight = hours === '24' && minutes === '00' && seconds === '00' && !/[1-9]/.test(fraction);
  if ((Number(hours) > 23 && !midnight) || Number(minutes) > 59 || Number(seconds) > 59) return null;
  if (/[1-9]/.test(fraction.slice(precision))) return null;
  const head = `${hours}:${minutes}:${seconds}`;
  return precision === 0 ? head : `${head}.${fraction.slice(0, precision).padEnd(precision, '0')}`;
}

/** Milliseconds since the epoch to `YYYY-MM-DDTHH:MM:SS.mmm`; years 0001 to 9999. */
export function isoFromMillis(ms: number): string {
  return new Date(ms).toISOString().slice(0, -1);
}

/** Microseconds since the epoch to an ISO text with `precision` fractional digits, without a zone. */
export function isoFromMicros(micros: bigint, precision: number): string {
  const seconds = floorDivide(micros, 1_000_000n);
  const rest = micros - seconds * 1_000_000n;
  const head = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return precision === 0 ? head : `${head}.${String(rest).padStart(6, '0').slice(0, precision)}`;
}

/** Days since the epoch to YYYY-MM-DD. @throws FicusError `value_invalid` beyond the years 0001 to 9999. */
export function isoFromDays(days: number): string {
  if (!Number.isInteger(days) || days < FIRST_DAY || days > LAST_DAY)
    return refuse(days, `a number of days since 1970-01-01, from ${FIRST_DAY} to ${LAST_DAY}`);
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}

/** Microseconds since midnight to HH:MM:SS with `precision` fractional digits; 24:00:00 is legal in PostgreSQL. */
export function timeFromMicros(micros: bigint, precision: number): string {
  const seconds = Number(micros / 1_000_000n);
  const two = (value: number): string => String(value).padStart(2, '0');
  const head = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const fraction = String(micros % 1_000_000n).padStart(6, '0');
  return precision === 0 ? head : `${head}.${fraction.slice(0, precision)}`;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
