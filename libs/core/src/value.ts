import { arrayElements } from './array-text.ts';
import { parseDate, parseStamp, parseTime, parseZonedTime } from './calendar.ts';
import { isoFromEra } from './era.ts';
import {
  type CanonicalScalar,
  type CanonicalValue,
  type ElementType,
  type FieldType,
  isList,
} from './field-type.ts';
import { canonicalHstore, readHstore } from './hstore.ts';
import { canonicalInterval } from './interval.ts';
import { refuse } from './refusal.ts';

const INT_MIN = -2_147_483_648;
const INT_MAX = 2_147_483_647;
const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;
/** Decimal128 holds this many significant digits; a longer one would be rounded, so it is refused. */
export const DECIMAL_DIGITS = 34;
/** Its smallest exponent: digits after the point beyond this many have no place in it. */
const DECIMAL_FRACTION = 6_176;

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** RFC 4648 with padding; the bits that padding leaves over are zero, so that equal bytes have one text. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/][AQgw]==|[A-Za-z0-9+/]{2}[AEIMQUYcgkosw048]=)?$/;
const DECIMAL = /^-?\d+(\.\d+)?$/;
/** Neither needs to be made canonical. */
const PLAIN_DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?$/;
const PLAIN_LONG = /^-?[1-9]\d{0,17}$/;

/**
 * Checks a value that claims to be in (or near) canonical form and makes it canonical: pads fractions, applies the
 * scale, folds the case of a UUID. For API requests, keys and cursors. Null passes.
 * @throws FicusError `value_invalid` naming the value and what is legal.
 */
export function parseCanonical(type: FieldType, value: unknown): CanonicalValue {
  if (value === null) return null;
  switch (type.kind) {
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse(value, 'true or false');
    case 'int':
      return typeof value === 'number' && Number.isInteger(value) && value >= INT_MIN && value <= INT_MAX
        ? value
        : refuse(value, `an integer from ${INT_MIN} to ${INT_MAX}`);
    case 'double':
      return parseDouble(value);
    case 'float':
      return parseFloat32(value);
    case 'long':
      return parseLong(value);
    case 'decimal':
      return parseDecimal(value, type);
    case 'string':
      return parseString(value, type);
    case 'json':
      return parseJson(value);
    case 'uuid': {
      const lower = typeof value === 'string' ? value.toLowerCase() : '';
      return UUID.test(lower) ? lower : refuse(value, 'a UUID, 8-4-4-4-12 hexadecimal digits');
    }
    case 'bytes':
      return typeof value === 'string' && BASE64.test(value) ? value : refuse(value, 'base64 text');
    case 'date':
      return parseDate(value, type.extended);
    case 'time':
      return parseTime(value, type.precision);
    case 'timetz':
      return parseZonedTime(value, type.precision);
    case 'timestamp':
    case 'timestamptz':
      return parseStamp(value, type);
    case 'interval':
      return canonicalInterval(value);
    case 'bits':
      return parseBits(value, type.length);
    case 'hstore':
      return canonicalHstore(value);
    case 'array':
      return Array.isArray(value)
        ? value.map((element) => parseElement(type.of, element))
        : refuse(value, 'an array');
  }
}

/**
 * Reads a value as the legacy database prints it as text in ISO style (PostgreSQL `::text` with DateStyle ISO and
 * TimeZone UTC, Db2 `VARCHAR`/`CHAR` casts). Null passes.
 * @throws FicusError `value_invalid` when MongoDB could not hold the value exactly.
 */
export function parseText(type: FieldType, text: string | null): CanonicalValue {
  if (text === null) return null;
  switch (type.kind) {
    case 'boolean':
      return text === 't' || text === 'true' || text === 'TRUE' || text === '1';
    case 'int':
      return parseCanonical(type, Number(text));
    case 'double':
    case 'float':
      return parseCanonical(type, ['NaN', 'Infinity', '-Infinity'].includes(text) ? text : Number(text));
    case 'bytes':
      return text.startsWith('\\x') ? hexToBase64(text.slice(2)) : hexToBase64(text);
    case 'decimal':
      return parseDecimal(plainDecimal(text.trim()), type);
    case 'long':
      return parseLong(text.trim());
    case 'string':
      return type.trim ? trimBlanks(text) : text;
    case 'json':
      return text;
    case 'hstore':
      return readHstore(text);
    case 'array':
      return arrayElements(text).map((element) => readElement(type.of, element));
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return parseCanonical(type, type.extended === true ? isoFromEra(text) : text);
    case 'bits':
    case 'interval':
    case 'time':
    case 'timetz':
    case 'uuid':
      return parseCanonical(type, text);
  }
}

function parseElement(type: ElementType, value: unknown): CanonicalScalar {
  return scalar(parseCanonical(type, value));
}

function readElement(type: ElementType, text: string | null): CanonicalScalar {
  return scalar(parseText(type, text));
}

function scalar(value: CanonicalValue): CanonicalScalar {
  if (isList(value)) throw new Error('broken assumption: an element is no array');
  return value;
}

/** Removes the blank padding of CHAR columns: trailing U+0020 only, as the databases themselves define it. */
export function trimBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end--;
  return end === text.length ? text : text.slice(0, end);
}

/** `1.5E+3` → `1500`, `-1E-7` → `-0.0000001`, `+.5` → `0.5`; plain text passes unchanged. */
export function plainDecimal(text: string): string {
  if (PLAIN_DECIMAL.test(text)) return text;
  const match = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (match === null || ((match[2] ?? '') === '' && (match[3] ?? '') === '')) return text;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const shift = Number(exponent);
  if (Math.abs(shift) > 7000) return text;
  const digits = whole + fraction;
  const point = whole.length + shift;
  const padded = point <= 0 ? '0'.repeat(1 - point) + digits : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const integer = padded.slice(0, at).replace(/^0+(?=\d)/, '');
  const rest = padded.slice(at);
  const body = rest === '' ? integer : `${integer}.${rest}`;
  return sign === '-' ? `-${body}` : body;
}

function parseDouble(value: unknown): CanonicalValue {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (value === 'NaN' || value === 'Infinity' || value === '-Infinity') return value;
  return refuse(value, 'a number, or "NaN", "Infinity", "-Infinity"');
}

/** Nine digits tell every 32-bit number from its neighbours. */
const FLOAT_DIGITS = 9;

/**
 * One 32-bit number has many texts (5.7942648e+07 and 5.794265E7, as PostgreSQL and Java print it), which are different
 * numbers of 64 bits: its canonical value is the one with the fewest digits.
 */
function parseFloat32(value: unknown): CanonicalValue {
  const wide = parseDouble(value);
  if (typeof wide !== 'number') return wide;
  const single = Math.fround(wide);
  if (!Number.isFinite(single)) return refuse(value, 'a floating-point number of 32 bits');
  for (let digits = 1; digits < FLOAT_DIGITS; digits++) {
    const short = Number(single.toPrecision(digits));
    if (Math.fround(short) === single) return short;
  }
  return Number(single.toPrecision(FLOAT_DIGITS));
}

function parseLong(value: unknown): CanonicalValue {
  const text = typeof value === 'string' ? value : Number.isSafeInteger(value) ? String(value) : '';
  if (PLAIN_LONG.test(text)) return text;
  const exact = /^-?\d{1,19}$/.test(text) ? BigInt(text) : null;
  return exact !== null && exact >= LONG_MIN && exact <= LONG_MAX
    ? String(exact)
    : refuse(value, `a string of digits from ${LONG_MIN} to ${LONG_MAX}`);
}

/** Words for what is no number; of them PostgreSQL's numeric and Db2's DECFLOAT have all three. */
const NO_NUMBERS = ['NaN', 'Infinity', '-Infinity'];

type DecimalType = Extract<FieldType, { kind: 'decimal' }>;

function parseDecimal(value: unknown, type: DecimalType): CanonicalValue {
  const { precision, scale, extended = false } = type;
  if (typeof value !== 'string') return refuse(value, legalDecimals(type));
  if (isCanonicalDecimal(value, type)) return value;
  if (extended && NO_NUMBERS.includes(value)) return value;
  if (!DECIMAL.test(value)) return refuse(value, legalDecimals(type));
  const negative = value.startsWith('-');
  const [whole = '', fraction = ''] = (negative ? value.slice(1) : value).split('.');
  if (scale !== null && fraction.length > scale && /[1-9]/.test(fraction.slice(Math.max(scale, 0))))
    return refuse(value, legalDecimals(type));
  const kept =
    scale === null ? fraction : fraction.slice(0, Math.max(scale, 0)).padEnd(Math.max(scale, 0), '0');
  const integer = whole.replace(/^0+(?=\d)/, '');
  if (precision !== null && integer.replace(/^0+/, '').length > precision - Math.max(scale ?? 0, 0))
    return refuse(value, legalDecimals(type));
  const body = kept === '' ? integer : `${integer}.${kept}`;
  if (!extended && !fitsDecimal128(body))
    return refuse(
      value,
      `at most ${DECIMAL_DIGITS} significant digits, at most ${DECIMAL_FRACTION} of them after the point, which is what MongoDB can hold exactly`,
    );
  return negative && /[1-9]/.test(body) ? `-${body}` : body;
}

/** Has it been written already as the canonical form has it? Most have, and to see that takes less than to make it so. */
function isCanonicalDecimal(text: string, { precision, scale }: DecimalType): boolean {
  if (text.length > DECIMAL_DIGITS || precision === null || scale === null || scale < 0) return false;
  const point = text.length - scale - 1;
  const whole = scale === 0 ? text.length : point;
  return (
    whole > 0 &&
    whole <= precision - scale &&
    (scale === 0 || text[point] === '.') &&
    PLAIN_DECIMAL.test(text) &&
    !text.startsWith('-')
  );
}

function legalDecimals({ precision, scale, extended }: DecimalType): string {
  const number =
    precision === null
      ? 'a string such as "12.50"'
      : `a string such as "12.50" of ${precision} digits, ${scale ?? 0} after the point`;
  return extended === true ? `${number}, or ${NO_NUMBERS.map((one) => `"${one}"`).join(', ')}` : number;
}

/** Can MongoDB's Decimal128 hold this canonical decimal exactly, with its scale? */
export function fitsDecimal128(text: string): boolean {
  if (text.length <= DECIMAL_DIGITS) return !NO_NUMBERS.includes(text);
  const [whole = '', fraction = ''] = text.split('.');
  const significant = (whole + fraction).replace(/^-?0*/, '').length;
  return significant <= DECIMAL_DIGITS && fraction.length <= DECIMAL_FRACTION;
}

function parseString(value: unknown, type: Extract<FieldType, { kind: 'string' }>): CanonicalValue {
  if (typeof value !== 'string') return refuse(value, 'a string');
  if (value.includes('\u0000')) return refuse(value, 'a string without U+0000');
  // A lone surrogate has no UTF-8: every driver would silently write U+FFFD instead.
  if (!value.isWellFormed()) return refuse(value, 'a string of whole Unicode characters');
  const text = type.trim ? trimBlanks(value) : value;
  if (type.length !== null && text.length > type.length && countCodePoints(text) > type.length)
    return refuse(value, `at most ${type.length} characters`);
  return text;
}

function parseBits(value: unknown, length: number): CanonicalValue {
  return typeof value === 'string' && value.length === length && /^[01]*$/.test(value)
    ? value
    : refuse(value, `a string of ${length} digits 0 and 1`);
}

function parseJson(value: unknown): CanonicalValue {
  if (typeof value !== 'string' || !value.isWellFormed()) return refuse(value, 'a string that holds JSON');
  try {
    JSON.parse(value);
    return value;
  } catch {
    return refuse(value, 'a string that holds JSON');
  }
}

const BASE64_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** Hexadecimal to base64 (RFC 4648, padded), without a platform's buffer. */
export function hexToBase64(hex: string): string {
  let out = '';
  for (let at = 0; at < hex.length; at += 6) {
    const part = hex.slice(at, at + 6);
    const bits = Number.parseInt(part.padEnd(6, '0'), 16);
    const bytes = part.length / 2;
    out += BASE64_DIGITS[bits >> 18];
    out += BASE64_DIGITS[(bits >> 12) & 63];
    out += bytes > 1 ? BASE64_DIGITS[(bits >> 6) & 63] : '=';
    out += bytes > 2 ? BASE64_DIGITS[bits & 63] : '=';
  }
  return out;
}

function countCodePoints(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}
