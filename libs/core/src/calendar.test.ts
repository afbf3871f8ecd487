import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isoFromDays, isoFromMillis, microsOf, millisOf, stampFromMicros } from './calendar.ts';
import { eraFromIso, isoFromEra } from './era.ts';
import { FicusError } from './errors.ts';
import type { FieldType } from './field-type.ts';
import { compareValues } from './key.ts';
import { parseCanonical, parseText } from './value.ts';

/** The types that can be extended. */
type Extended = Extract<FieldType, { kind: 'date' | 'decimal' | 'timestamp' | 'timestamptz' }>;

const DATE: Extended = { kind: 'date', extended: true };
const stamp = (precision: number): Extended => ({ kind: 'timestamp', precision, extended: true });
const stamptz = (precision: number): Extended => ({ kind: 'timestamptz', precision, extended: true });
const DECIMAL: Extended = { kind: 'decimal', precision: null, scale: null, extended: true };
const decimal = (precision: number, scale: number): Extended => ({
  kind: 'decimal',
  precision,
  scale,
  extended: true,
});

/** `[type, as PostgreSQL prints it, canonical]` */
const texts: readonly (readonly [Extended, string, string])[] = [
  [DATE, '2024-02-29', '2024-02-29'],
  [DATE, '0044-03-15 BC', '-000043-03-15'],
  [DATE, '0001-12-31 BC', '0000-12-31'],
  [DATE, '4713-01-01 BC', '-004712-01-01'],
  [DATE, '10000-01-01', '+010000-01-01'],
  [DATE, '275760-09-12', '+275760-09-12'],
  [DATE, 'infinity', 'infinity'],
  [DATE, '-infinity', '-infinity'],
  [stamp(6), '0044-03-15 10:00:00.1234 BC', '-000043-03-15T10:00:00.123400'],
  [stamp(0), '10000-01-01 00:00:00', '+010000-01-01T00:00:00'],
  [stamp(3), '-infinity', '-infinity'],
  [stamptz(3), '0044-03-15 10:00:00.1+00 BC', '-000043-03-15T10:00:00.100Z'],
  [stamptz(6), 'infinity', 'infinity'],
  [DECIMAL, 'NaN', 'NaN'],
  [DECIMAL, '-Infinity', '-Infinity'],
  [DECIMAL, `1${'0'.repeat(40)}.50`, `1${'0'.repeat(40)}.50`],
  [decimal(38, 10), '1234567890123456789012345678.0123456789', '1234567890123456789012345678.0123456789'],
  [decimal(38, 10), '-0.0000000001', '-0.0000000001'],
];

/** `[type, given, canonical]` */
const given: readonly (readonly [Extended, string, string])[] = [
  [DATE, '-0043-03-15', '-000043-03-15'],
  [DATE, '+2024-02-29', '2024-02-29'],
  [DATE, '-000000-01-01', '0000-01-01'],
  [stamptz(0), '0001-01-01T00:00:00+01:00', '0000-12-31T23:00:00Z'],
  [stamptz(0), '9999-12-31T23:30:00-01:00', '+010000-01-01T00:30:00Z'],
  [stamptz(6), '-0043-03-15T10:00:00.123456Z', '-000043-03-15T10:00:00.123456Z'],
];

const illegal: readonly (readonly [FieldType, string])[] = [
  ...[
    'Infinity',
    '+275760-09-13',
    '-271821-04-20',
    '5874897-12-31',
    '2023-02-29',
    '-0043-02-30',
    '44-03-15',
  ].map((text) => [DATE, text] as const),
  [stamp(3), '+010000-01-01T00:00:00.1234'],
  [stamp(3), '+010000-01-01T00:00:00Z'],
  [stamptz(0), '+275760-09-12T23:30:00-01:00'],
  [stamptz(0), '0044-03-15T10:00:00Z BC'],
  [DECIMAL, 'nan'],
  [DECIMAL, '1e5'],
  [decimal(38, 10), '12345678901234567890123456789'],
];

describe('an extended field', () => {
  it.each(texts)('of %j reads %j as %j', (type, text, canonical) => {
    expect(parseText(type, text)).toBe(canonical);
    expect(parseCanonical(type, canonical)).toBe(canonical);
  });

  it.each(given)('of %j takes %j as %j', (type, value, canonical) => {
    expect(parseCanonical(type, value)).toBe(canonical);
    expect(parseCanonical(type, canonical)).toBe(canonical);
  });

  it.each(illegal)('of %j refuses %j', (type, value) => {
    expect(() => parseCanonical(type, value)).toThrow(FicusError);
  });

  it.each([...texts, ...given])(
    'is what it takes to hold what %j reads %j as: %j',
    (type, _text, canonical) => {
      const { extended: _, ...plain } = type;
      const isOrdinary = ['2024-02-29', '-0.0000000001'].includes(canonical);
      if (isOrdinary) expect(parseCanonical(plain, canonical)).toBe(canonical);
      else expect(() => parseCanonical(plain, canonical)).toThrow(FicusError);
    },
  );

  it('sorts in the order of time, the infinities at its ends', () => {
    const sorted = ['-infinity', '-004712-01-01', '-000043-03-15', '0000-12-31', '0001-01-01', '2024-02-29'];
    const all = [...sorted, '9999-12-31', '+010000-01-01', '+275760-09-12', 'infinity'];
    expect([...all].reverse().sort((a, b) => compareValues(a, b, DATE))).toEqual(all);
  });
});

describe('microseconds since the epoch', () => {
  it('tell every extended timestamp, and sort like them', () => {
    const micros = fc.bigInt({ min: -8_639_999_999_999_999_999n, max: 8_639_999_999_999_999_999n });
    fc.assert(
      fc.property(micros, (one) => {
        expect(microsOf(stampFromMicros(one, 6) ?? '')).toBe(one);
      }),
    );
    for (const text of ['infinity', '-infinity']) expect(stampFromMicros(microsOf(text), 6)).toBe(text);
    expect(stampFromMicros(8_640_000_000_000_000_000n, 6)).toBeNull();
  });
});

describe('milliseconds since the epoch', () => {
  const END = 8_640_000_000_000_000;
  const anyTime = fc.oneof(
    fc.integer({ min: -4e12, max: 4e12 }),
    fc.maxSafeInteger().map((ms) => ms % END),
  );
  it('are written as ECMAScript writes them', () => {
    fc.assert(
      fc.property(anyTime, (ms) => {
        expect(`${isoFromMillis(ms)}Z`).toBe(new Date(ms).toISOString());
      }),
    );
    expect(() => isoFromMillis(END + 86_400_000)).toThrow(RangeError);
  });
  it('are read from a text of up to three digits as ECMAScript reads it, with a zone and without', () => {
    fc.assert(
      fc.property(anyTime, fc.integer({ min: 0, max: 3 }), fc.boolean(), (ms, precision, isZoned) => {
        const cut = isoFromMillis(ms).slice(0, precision === 0 ? -4 : precision - 3 || undefined);
        expect(millisOf(isZoned ? `${cut}Z` : cut)).toBe(Date.parse(`${cut}Z`));
      }),
    );
  });
  it('are read from a date as its beginning', () => {
    fc.assert(
      fc.property(fc.integer({ min: -719_162, max: 2_932_896 }), (days) => {
        expect(millisOf(isoFromDays(days))).toBe(days * 86_400_000);
      }),
    );
  });
});

describe('PostgreSQL and ISO 8601', () => {
  it('write any year in ways that lead back', () => {
    fc.assert(
      fc.property(fc.integer({ min: -270_000, max: 275_000 }), (year) => {
        const iso = parseCanonical(
          DATE,
          `${year < 0 ? '-' : '+'}${String(Math.abs(year)).padStart(6, '0')}-02-03`,
        );
        expect(isoFromEra(eraFromIso(String(iso)))).toBe(iso);
      }),
    );
  });
});
