import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoFromDays, isoFromMicros, isoFromMillis, timeFromMicros } from './calendar.ts';
import { FicusError } from './errors.ts';
import type { FieldType } from './field-type.ts';
import { hexToBase64, parseCanonical, parseText, plainDecimal, trimBlanks } from './value.ts';

const text = (length: number | null = null, trim = false): FieldType => ({ kind: 'string', trim, length });
const decimal = (precision: number | null = null, scale: number | null = null): FieldType => ({
  kind: 'decimal',
  precision,
  scale,
});
const stamp = (precision: number): FieldType => ({ kind: 'timestamp', precision });
const stamptz = (precision: number): FieldType => ({ kind: 'timestamptz', precision });
const clock = (precision: number): FieldType => ({ kind: 'time', precision });

const LONG_MAX = '9223372036854775807';
const LONG_MIN = '-9223372036854775808';

/** `[type, given, canonical]` */
const legal: readonly [FieldType, unknown, unknown][] = [
  [{ kind: 'boolean' }, true, true],
  [{ kind: 'int' }, -2147483648, -2147483648],
  [{ kind: 'int' }, 2147483647, 2147483647],
  [{ kind: 'double' }, 1.5, 1.5],
  [{ kind: 'double' }, 5e-324, 5e-324],
  [{ kind: 'double' }, 'NaN', 'NaN'],
  [{ kind: 'float' }, 0.1, 0.1],
  [{ kind: 'float' }, 0.10000000149011612, 0.1],
  [{ kind: 'float' }, 57942648, 57942650],
  [{ kind: 'float' }, 57942650, 57942650],
  [{ kind: 'float' }, -0, 0],
  [{ kind: 'float' }, 1.4e-45, 1e-45],
  [{ kind: 'float' }, 3.4028234663852886e38, 3.4028235e38],
  [{ kind: 'float' }, '-Infinity', '-Infinity'],
  [{ kind: 'double' }, '-Infinity', '-Infinity'],
  [{ kind: 'long' }, LONG_MAX, LONG_MAX],
  [{ kind: 'long' }, LONG_MIN, LONG_MIN],
  [{ kind: 'long' }, '-0', '0'],
  [{ kind: 'long' }, '007', '7'],
  [{ kind: 'long' }, 9007199254740991, '9007199254740991'],
  [decimal(), '12.50', '12.50'],
  [decimal(), '0012.50', '12.50'],
  [decimal(), '-0.00', '0.00'],
  [decimal(), `${'9'.repeat(17)}.${'9'.repeat(17)}`, `${'9'.repeat(17)}.${'9'.repeat(17)}`],
  [decimal(), `0.${'0'.repeat(6175)}1`, `0.${'0'.repeat(6175)}1`],
  [decimal(12, 2), '5', '5.00'],
  [decimal(12, 2), '5.1000', '5.10'],
  [decimal(12, 2), '9999999999.99', '9999999999.99'],
  [decimal(2, 2), '0.99', '0.99'],
  [decimal(5, 0), '12345', '12345'],
  [text(), '', ''],
  [text(), 'ab  ', 'ab  '],
  [text(4, true), 'ab  ', 'ab'],
  [text(4, true), 'ab     ', 'ab'],
  [text(2), '😀😀', '😀😀'],
  [text(3, true), ' a\t', ' a\t'],
  [{ kind: 'json' }, '{"b":1,  "a":12345678901234567890.10}', '{"b":1,  "a":12345678901234567890.10}'],
  [{ kind: 'uuid' }, '123E4567-E89B-12D3-A456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
  [{ kind: 'bytes' }, '', ''],
  [{ kind: 'bytes' }, 'AP8Q3g==', 'AP8Q3g=='],
  [{ kind: 'date' }, '2024-02-29', '2024-02-29'],
  [{ kind: 'date' }, '0001-01-01', '0001-01-01'],
  [clock(0), '24:00:00', '24:00:00'],
  [clock(3), '12:34:56', '12:34:56.000'],
  [clock(3), '12:34:56.1230', '12:34:56.123'],
  [stamp(6), '2024-02-29 12:34:56.1', '2024-02-29T12:34:56.100000'],
  [stamp(0), '2024-02-29T12:34:56', '2024-02-29T12:34:56'],
  [stamptz(0), '2024-02-29 12:34:56+00', '2024-02-29T12:34:56Z'],
  [stamptz(3), '2024-03-01T01:34:56.789+05:30', '2024-02-29T20:04:56.789Z'],
  [stamptz(6), '2024-02-29T23:59:59.999999-0130', '2024-03-01T01:29:59.999999Z'],
  [stamptz(0), '0001-01-01T00:00:00Z', '0001-01-01T00:00:00Z'],
  [stamptz(0), '9999-12-31T23:59:59Z', '9999-12-31T23:59:59Z'],
];

/** `[type, refused value, what the message must say]` */
const illegal: readonly [FieldType, unknown, RegExp][] = [
  [{ kind: 'boolean' }, 'true', /true or false/],
  [{ kind: 'int' }, 2147483648, /-2147483648 to 2147483647/],
  [{ kind: 'int' }, 1.5, /an integer/],
  [{ kind: 'int' }, '1', /"1" is not legal/],
  [{ kind: 'double' }, Number.NaN, /a number, or "NaN"/],
  [{ kind: 'double' }, '1', /a number/],
  [{ kind: 'float' }, 1e39, /of 32 bits/],
  [{ kind: 'long' }, '9223372036854775808', /9223372036854775807/],
  [{ kind: 'long' }, 9007199254740992, /a string of digits/],
  [{ kind: 'long' }, '+1', /digits/],
  [{ kind: 'long' }, '1.0', /digits/],
  [{ kind: 'long' }, '', /digits/],
  [decimal(), 1.5, /a string such as "12.50"/],
  [decimal(), '1e3', /a string/],
  [decimal(), '.5', /a string/],
  [decimal(), 'NaN', /a string/],
  [decimal(), '12345678901234567890123456789012345', /34 significant digits/],
  [decimal(), `1${'0'.repeat(34)}`, /34 significant digits/],
  [decimal(), `0.${'0'.repeat(6176)}1`, /6176/],
  [decimal(12, 2), '1.001', /12 digits, 2 after the point/],
  [decimal(12, 2), '10000000000', /12 digits/],
  [decimal(2, 2), '1.00', /2 digits/],
  [text(), 5, /a string/],
  [text(), 'a\u0000b', /without U\+0000/],
  [text(), 'a\ud800', /whole Unicode/],
  [text(2), 'abc', /at most 2 characters/],
  [{ kind: 'json' }, '{', /holds JSON/],
  [{ kind: 'json' }, { a: 1 }, /holds JSON/],
  [{ kind: 'uuid' }, '123e4567e89b12d3a456426614174000', /8-4-4-4-12/],
  [{ kind: 'bytes' }, 'AP8Q3g', /base64/],
  [{ kind: 'bytes' }, 'AP8Q3h==', /base64/],
  [{ kind: 'bytes' }, 'AP8=Q3g=', /base64/],
  [{ kind: 'bytes' }, 'AP9=', /base64/],
  [{ kind: 'bytes' }, '__8=', /base64/],
  [{ kind: 'date' }, '2023-02-29', /YYYY-MM-DD/],
  [{ kind: 'date' }, '0000-01-01', /a date/],
  [{ kind: 'date' }, '10000-01-01', /a date/],
  [{ kind: 'date' }, 'infinity', /a date/],
  [clock(0), '24:00:01', /a time/],
  [clock(0), '23:60:00', /a time/],
  [clock(3), '12:34:56.1234', /at most 3 fractional/],
  [stamp(6), '2024-02-29T12:34:56Z', /without a zone/],
  [stamp(6), '2024-02-29T24:00:00', /years 0001/],
  [stamp(3), '2024-02-29T12:34:56.1234', /at most 3/],
  [stamptz(6), '2024-02-29T12:34:56', /with a zone/],
  [stamptz(6), 'infinity', /ISO 8601/],
  [stamptz(6), '2024-02-29T12:34:56+99:99', /ISO 8601/],
  [stamptz(6), '2024-02-29T12:34:56+16:00', /ISO 8601/],
  [stamptz(0), '0001-01-01T00:00:00+01:00', /years 0001 to 9999/],
  [stamptz(0), '9999-12-31T23:30:00-01:00', /years 0001 to 9999/],
];

describe('parseCanonical', () => {
  it.each(legal)('%j takes %j', (type, given, canonical) => {
    expect(parseCanonical(type, given)).toBe(canonical);
  });

  it.each(legal)('%j leaves the canonical form of %j as it is', (type, _given, canonical) => {
    expect(parseCanonical(type, canonical)).toBe(canonical);
  });

  it.each(illegal)('%j refuses %j', (type, given, message) => {
    expect(() => parseCanonical(type, given)).toThrow(message);
    expect(() => parseCanonical(type, given)).toThrow(FicusError);
  });

  it.each(['boolean', 'int', 'long', 'double', 'json', 'uuid', 'bytes', 'date'] as const)(
    '%s: null passes, undefined and objects do not',
    (kind) => {
      expect(parseCanonical({ kind }, null)).toBeNull();
      expect(() => parseCanonical({ kind }, undefined)).toThrow(FicusError);
      expect(() => parseCanonical({ kind }, {})).toThrow(FicusError);
    },
  );

  it('cuts a long value in the message', () => {
    expect(() => parseCanonical({ kind: 'int' }, 'x'.repeat(500))).toThrow(/^"x{76}\.\.\. is not/);
  });
});

/** PostgreSQL's `::text` and Db2's casts. `[type, text, canonical]` */
const texts: readonly [FieldType, string, unknown][] = [
  [{ kind: 'boolean' }, 't', true],
  [{ kind: 'boolean' }, 'true', true],
  [{ kind: 'boolean' }, 'f', false],
  [{ kind: 'int' }, '-5', -5],
  [{ kind: 'long' }, ' 9223372036854775807', LONG_MAX],
  [{ kind: 'double' }, '1e-45', 1e-45],
  [{ kind: 'double' }, '-Infinity', '-Infinity'],
  [decimal(5, 2), '1.50', '1.50'],
  [decimal(), '1E+3', '1000'],
  [{ kind: 'bytes' }, '\\x00ff10de', 'AP8Q3g=='],
  [{ kind: 'bytes' }, '\\x', ''],
  [{ kind: 'bytes' }, '00FF', 'AP8='],
  [text(null, true), 'ab   ', 'ab'],
  [text(), 'ab   ', 'ab   '],
  [{ kind: 'date' }, '2024-02-29', '2024-02-29'],
  [stamp(6), '2024-02-29 12:34:56.1', '2024-02-29T12:34:56.100000'],
  [stamptz(6), '2024-02-29 12:34:56.123456+00', '2024-02-29T12:34:56.123456Z'],
  [{ kind: 'uuid' }, '123e4567-e89b-12d3-a456-426614174000', '123e4567-e89b-12d3-a456-426614174000'],
];

describe('parseText', () => {
  it.each(texts)('%j reads %j', (type, given, canonical) => {
    expect(parseText(type, given)).toBe(canonical);
  });

  it('passes null and refuses what MongoDB cannot hold', () => {
    expect(parseText({ kind: 'date' }, null)).toBeNull();
    expect(() => parseText({ kind: 'date' }, '0044-03-15 BC')).toThrow(FicusError);
    expect(() => parseText(decimal(), 'NaN')).toThrow(FicusError);
  });
});

const plain: readonly [string, string][] = [
  ['1.5E+3', '1500'],
  ['-1E-7', '-0.0000001'],
  ['+.5', '0.5'],
  ['5.', '5'],
  ['12E-1', '1.2'],
  ['1.25E1', '12.5'],
  ['0E-3', '0.000'],
  ['0012', '12'],
  ['-0', '-0'],
  ['NaN', 'NaN'],
  ['1E9999', '1E9999'],
  ['.', '.'],
  ['', ''],
];

describe('plainDecimal', () => {
  it.each(plain)('%s -> %s', (given, expected) => expect(plainDecimal(given)).toBe(expected));

  it('writes unscaled × 10^-scale exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), fc.nat(60), (unscaled, scale) => {
        const written = plainDecimal(`${unscaled}E-${scale}`);
        const [whole = '', fraction = ''] = written.split('.');
        expect(fraction).toHaveLength(scale);
        expect(BigInt(whole + fraction)).toBe(unscaled);
      }),
    );
  });
});

describe('times', () => {
  it('keeps microseconds before and after the epoch', () => {
    expect(isoFromMicros(-1n, 6)).toBe('1969-12-31T23:59:59.999999');
    expect(isoFromMicros(-62_135_596_800_000_000n, 6)).toBe('0001-01-01T00:00:00.000000');
    expect(isoFromMicros(253_402_300_799_999_999n, 6)).toBe('9999-12-31T23:59:59.999999');
    expect(isoFromMicros(0n, 0)).toBe('1970-01-01T00:00:00');
    expect(isoFromMillis(-1)).toBe('1969-12-31T23:59:59.999');
    expect(timeFromMicros(86_400_000_000n, 0)).toBe('24:00:00');
    expect(timeFromMicros(45_296_123_456n, 6)).toBe('12:34:56.123456');
  });

  it.each([-719162, 2932896, 0, -1])('days: %i there and back', (days) => {
    expect(Date.parse(isoFromDays(days)) / 86_400_000).toBe(days);
  });

  /** The values that PostgreSQL's infinity and year 10000 come as. */
  it.each([-719163, 2932897, -2147472692, -2147472691, 2147483647, 1.5, Number.NaN])(
    'refuses %d days',
    (days) => {
      expect(() => isoFromDays(days)).toThrow(FicusError);
    },
  );

  it('keeps every microsecond of every legal stamp', () => {
    const micros = fc.bigInt({ min: -62_135_596_800_000_000n, max: 253_402_300_799_999_999n });
    fc.assert(
      fc.property(micros, (given) => {
        const iso = isoFromMicros(given, 6);
        expect(parseCanonical(stamp(6), iso)).toBe(iso);
        const [head = '', fraction = ''] = iso.split('.');
        expect(BigInt(Date.parse(`${head}Z`)) * 1000n + BigInt(fraction)).toBe(given);
      }),
    );
  });
});

describe('hexToBase64 and trimBlanks', () => {
  it('agrees with the platform for any bytes, in canonical form', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        const base64 = hexToBase64(buffer.toString('hex'));
        expect(base64).toBe(buffer.toString('base64'));
        expect(parseCanonical({ kind: 'bytes' }, base64)).toBe(base64);
      }),
    );
  });

  it('removes blanks at the end and nothing else', () => {
    expect(trimBlanks(' a \t  ')).toBe(' a \t');
    expect(trimBlanks('a\u00a0')).toBe('a\u00a0');
    expect(trimBlanks('   ')).toBe('');
  });
});
