import type { CanonicalValue, FieldType } from './field-type.ts';
import { refuse } from './refusal.ts';

const DATE = /^([+-]?\d{4,9})-(\d{2})-(\d{2})$/;
const MONTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const TIME = /^(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?$/;
const STAMP = /^([^T ]+)[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(Z|[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)?$/;
const PLAIN_DATE = /^\d{4}-\d\d-\d\d$/;
const PLAIN_STAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z?$/;
const PLAIN_MILLIS = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z?$/;
/** Of YYYY-MM-DD, and of YYYY-MM-DDTHH:MM:SS. */
const DAY_LENGTH = 10;
const SECONDS_LENGTH = 19;
/** Days since the epoch of 0001-01-01 and 9999-12-31. */
const FIRST_DAY = -719_162;
const LAST_DAY = 2_932_896;
/**
 * The last millisecond of a JavaScript date, and by its sign the first one. In MongoDB they stand for the infinities of
 * an extended field, so that these sort where they belong; the days that they belong to are no values.
 */
export const END_OF_TIME = 8_640_000_000_000_000;
const INFINITE_MICROS = 2n ** 63n - 1n;
const EXTENDED =
  'from -271821-04-21 to +275760-09-12 with years before 0 or beyond 9999 in six digits and a sign';
/** PostgreSQL's zones have seconds; they are less than 16 hours from UTC. */
const ZONED_TIME =
  /^(\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?)(?:Z|([+-])(0\d|1[0-5])(?::?([0-5]\d)(?::?([0-5]\d))?)?)$/;
const DAY_SECONDS = 86_400;
const DAY_MS = DAY_SECONDS * 1_000;

type StampType = Extract<FieldType, { kind: 'timestamp' | 'timestamptz' }>;

export function parseDate(value: unknown, extended = false): CanonicalValue {
  if (extended && isInfinite(value)) return value;
  const date = typeof value === 'string' ? canonicalDate(value, extended) : null;
  return (
    date ?? refuse(value, extended ? `infinity, -infinity, or a date ${EXTENDED}` : 'a date, YYYY-MM-DD')
  );
}

/** PostgreSQL's words for the time after and before every other one. */
export function isInfinite(value: unknown): value is 'infinity' | '-infinity' {
  return value === 'infinity' || value === '-infinity';
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

export function parseStamp(value: unknown, type: StampType): CanonicalValue {
  const zoned = type.kind === 'timestamptz';
  const extended = type.extended === true;
  if (extended && isInfinite(value)) return value;
  if (typeof value !== 'string') return refuse(value, legalStamps(type));
  if (isCanonicalStamp(value, type.precision, zoned)) return value;
  const match = STAMP.exec(value);
  if (match === null) return refuse(value, legalStamps(type));
  const [, day = '', clock = '', zone] = match;
  const date = canonicalDate(day, extended);
  const time = padTime(clock, type.precision);
  if (date === null || time === null || time.startsWith('24') || (zone !== undefined) !== zoned)
    return refuse(value, legalStamps(type));
  if (!zoned) return `${date}T${time}`;
  if (zone === 'Z') return `${date}T${time}Z`;
  const utc = shift(date, time, zone ?? '');
  // A zone can carry the first and the last day out of the years that are legal.
  return canonicalDate(utc.split('T')[0] ?? '', extended) === null
    ? refuse(value, legalStamps(type))
    : `${utc}Z`;
}

function legalStamps({ kind, precision, extended }: StampType): string {
  const zone = kind === 'timestamptz' ? 'with a zone' : 'without a zone';
  const years = extended === true ? `${EXTENDED}, infinity or -infinity` : 'years 0001 to 9999';
  return `ISO 8601 ${zone} and at most ${precision} fractional digits, ${years}`;
}

/** Has it been written already as the canonical form has it? Most have, and to see that takes less than to make it so. */
function isCanonicalStamp(text: string, precision: number, zoned: boolean): boolean {
  const length = SECONDS_LENGTH + (precision === 0 ? 0 : precision + 1) + (zoned ? 1 : 0);
  if (text.length !== length || !PLAIN_STAMP.test(text) || text.endsWith('Z') !== zoned) return false;
  if ((text[SECONDS_LENGTH] === '.') !== precision > 0) return false;
  const part = (from: number, to: number): number => Number(text.slice(from, to));
  return (
    isPlainDate(text.slice(0, DAY_LENGTH)) && part(11, 13) < 24 && part(14, 16) < 60 && part(17, 19) < 60
  );
}

/** A date of the years 0001 to 9999. */
function isPlainDate(text: string): boolean {
  if (!PLAIN_DATE.test(text)) return false;
  const [year, day] = [Number(text.slice(0, 4)), Number(text.slice(8))];
  return year > 0 && day > 0 && day <= daysOf(year, Number(text.slice(5, 7)));
}

/** Moves a local time into UTC; the fraction is untouched, since zones are whole minutes. */
function shift(date: string, time: string, zone: string): string {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone);
  const minutes = (Number(match?.[2] ?? 0) * 60 + Number(match?.[3] ?? 0)) * (match?.[1] === '-' ? -1 : 1);
  const ms = Date.parse(`${date}T${time.slice(0, 8)}Z`) - minutes * 60_000;
  return withoutFraction(ms) + time.slice(8);
}

/** Null: it is no date, or none of the years 0001 to 9999 where only these are legal. */
function canonicalDate(text: string, extended: boolean): string | null {
  if (!extended) return isPlainDate(text) ? text : null;
  const match = DATE.exec(text);
  if (match === null) return null;
  const [, digits = '', month = '', day = ''] = match;
  const year = Number(digits);
  if (Number(day) < 1 || Number(day) > daysOf(year, Number(month))) return null;
  const date = `${yearText(year)}-${month}-${day}`;
  return Math.abs(Date.parse(`${date}T00:00:00Z`)) < END_OF_TIME ? date : null;
}

/** Of a month, from 1 to 12; 0 for any other. */
function daysOf(year: number, month: number): number {
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month === 2 && isLeap ? 29 : (MONTHS[month - 1] ?? 0);
}

/** As ECMAScript writes it: four digits, or six and a sign. Year 0 is the one before year 1. */
export function yearText(year: number): string {
  if (year >= 0 && year <= 9_999) return String(Math.abs(year)).padStart(4, '0');
  return `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}`;
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

/** Milliseconds since the epoch to `YYYY-MM-DDTHH:MM:SS.mmm`. */
export function isoFromMillis(ms: number): string {
  const days = Math.floor(ms / DAY_MS);
  const rest = ms - days * DAY_MS;
  const seconds = Math.floor(rest / 1_000);
  const time = `${two(seconds / 3_600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  return `${dayText(days)}T${time}.${String(rest % 1_000).padStart(3, '0')}`;
}

/** Dates come again and again, and the calendar is dear: by days since the epoch, and by text. */
const DAY_TEXTS = new Map<number, string>();
const DAY_STARTS = new Map<string, number>();
const REMEMBERED_DAYS = 4_096;

/** Of a number of days since the epoch. @throws RangeError beyond what a date of ECMAScript can be. */
function dayText(days: number): string {
  return remembered(DAY_TEXTS, days, () =>
    new Date(days * DAY_MS).toISOString().slice(0, -'T00:00:00.000Z'.length),
  );
}

/** Milliseconds since the epoch of the beginning of a date. */
function dayStart(text: string): number {
  return remembered(DAY_STARTS, text, () => Date.parse(text));
}

function remembered<K, V>(days: Map<K, V>, day: K, find: () => V): V {
  const known = days.get(day);
  if (known !== undefined) return known;
  const found = find();
  if (days.size >= REMEMBERED_DAYS) days.clear();
  days.set(day, found);
  return found;
}

function two(value: number): string {
  return value < 10 ? `0${Math.floor(value)}` : String(Math.floor(value));
}

/** Microseconds since the epoch to an ISO text with `precision` fractional digits, without a zone. */
export function isoFromMicros(micros: bigint, precision: number): string {
  const seconds = floorDivide(micros, 1_000_000n);
  const rest = micros - seconds * 1_000_000n;
  const head = withoutFraction(Number(seconds) * 1000);
  return precision === 0 ? head : `${head}.${String(rest).padStart(6, '0').slice(0, precision)}`;
}

/** Microseconds since the epoch of a canonical date or timestamp; of the infinities the ends of 64 bits. */
export function microsOf(text: string): bigint {
  if (isInfinite(text)) return text === 'infinity' ? INFINITE_MICROS : -INFINITE_MICROS;
  const [, head = '', fraction = ''] = /^(.*?)(?:\.(\d+))?Z?$/.exec(text) ?? [];
  const ms = Date.parse(head.includes('T') ? `${head}Z` : `${head}T00:00:00Z`);
  return BigInt(ms) * 1_000n + BigInt(fraction.padEnd(6, '0'));
}

/** Milliseconds since the epoch of a canonical date or of a timestamp of up to three digits, which is neither infinity. */
export function millisOf(text: string): number {
  if (text.length === DAY_LENGTH) return dayStart(text);
  if (PLAIN_MILLIS.test(text)) return dayStart(text.slice(0, DAY_LENGTH)) + timeMillis(text);
  return Date.parse(text.includes('T') && !text.endsWith('Z') ? `${text}Z` : text);
}

/** Of `HH:MM:SS.mmm` behind a date. */
function timeMillis(text: string): number {
  const digit = (at: number): number => text.charCodeAt(at) - 48;
  const pair = (at: number): number => digit(at) * 10 + digit(at + 1);
  return ((pair(11) * 60 + pair(14)) * 60 + pair(17)) * 1_000 + digit(20) * 100 + pair(21);
}

/** The inverse of `microsOf` for a timestamp without its zone; null beyond what an extended one can be. */
export function stampFromMicros(micros: bigint, precision: number): string | null {
  if (micros === INFINITE_MICROS) return 'infinity';
  if (micros === -INFINITE_MICROS) return '-infinity';
  const size = micros < 0n ? -micros : micros;
  return size < BigInt(END_OF_TIME) * 1_000n ? isoFromMicros(micros, precision) : null;
}

/** Days since the epoch to a date. @throws FicusError `value_invalid` beyond what is legal. */
export function isoFromDays(days: number, extended = false): string {
  const last = END_OF_TIME / DAY_MS;
  if (!Number.isInteger(days) || (extended ? Math.abs(days) >= last : days < FIRST_DAY || days > LAST_DAY))
    return refuse(
      days,
      extended
        ? `a number of days since 1970-01-01, less than ${last} from it`
        : `a number of days since 1970-01-01, from ${FIRST_DAY} to ${LAST_DAY}`,
    );
  return dayText(days);
}

/** `YYYY-MM-DDTHH:MM:SS`; empty where there is no such time. */
function withoutFraction(ms: number): string {
  return Math.abs(ms) <= END_OF_TIME ? isoFromMillis(ms).slice(0, -'.000'.length) : '';
}

/** Microseconds since midnight to HH:MM:SS with `precision` fractional digits; 24:00:00 is legal in PostgreSQL. */
export function timeFromMicros(micros: bigint, precision: number): string {
  const seconds = Number(micros / 1_000_000n);
  const head = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
  const fraction = String(micros % 1_000_000n).padStart(6, '0');
  return precision === 0 ? head : `${head}.${fraction.slice(0, precision)}`;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b < 0n ? quotient - 1n : quotient;
}
