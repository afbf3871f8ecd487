import { refuse } from './refusal.ts';

/**
 * An interval is months, days and microseconds, each with a sign of its own: none of them can be told in another.
 * Its canonical text is the one that PostgreSQL prints with `IntervalStyle = iso_8601`: ISO 8601's duration without the
 * members that are 0, of months below 12 in a year, of minutes and seconds below 60, such as `P1Y-2M3DT-4H-0.000001S`;
 * `PT0S` for none.
 */
const DURATION =
  /^P(?=.)(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?=.)(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?)(\d+)(?:\.(\d{1,6}))?S)?)?$/;
const LEGAL =
  'an ISO 8601 duration of years, months, days, hours, minutes and seconds with at most 6 fractional digits, such as "P1Y2M3DT4H5M6.5S"';

const INT = 2n ** 31n;
const LONG = 2n ** 63n;

/** Any duration in canonical form. @throws FicusError `value_invalid` when it is none, or more than PostgreSQL holds. */
export function canonicalInterval(value: unknown): string {
  const match = typeof value === 'string' ? DURATION.exec(value) : null;
  if (match === null) return refuse(value, LEGAL);
  const [, years, months, days, hours, minutes, sign, seconds, fraction = ''] = match;
  const whole = (text: string | undefined): bigint => BigInt(text ?? 0);
  const second = whole(seconds) * 1_000_000n + BigInt(fraction.padEnd(6, '0'));
  const allMonths = whole(years) * 12n + whole(months);
  const allDays = whole(days);
  const micros = (whole(hours) * 60n + whole(minutes)) * 60_000_000n + (sign === '-' ? -second : second);
  if (!fits(allMonths, INT) || !fits(allDays, INT) || !fits(micros, LONG)) return refuse(value, LEGAL);
  return printInterval(allMonths, allDays, micros);
}

function printInterval(months: bigint, days: bigint, micros: bigint): string {
  const date = [part(months / 12n, 'Y'), part(months % 12n, 'M'), part(days, 'D')].join('');
  const rest = micros % 60_000_000n;
  const size = rest < 0n ? -rest : rest;
  const fraction = String(size % 1_000_000n)
    .padStart(6, '0')
    .replace(/0+$/, '');
  const second = `${rest < 0n ? '-' : ''}${size / 1_000_000n}${fraction === '' ? '' : `.${fraction}`}S`;
  const minutes = micros / 60_000_000n;
  const time = [part(minutes / 60n, 'H'), part(minutes % 60n, 'M'), rest === 0n ? '' : second].join('');
  if (time !== '') return `P${date}T${time}`;
  return date === '' ? 'PT0S' : `P${date}`;
}

function part(amount: bigint, unit: string): string {
  return amount === 0n ? '' : `${amount}${unit}`;
}

function fits(amount: bigint, limit: bigint): boolean {
  return amount >= -limit && amount < limit;
}
