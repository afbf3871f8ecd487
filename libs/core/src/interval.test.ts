import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FicusError } from './errors.ts';
import { canonicalInterval } from './interval.ts';

/** `[given, canonical]`: Debezium's texts and PostgreSQL's (iso_8601) of the same intervals among them. */
const legal: readonly [string, string][] = [
  ['P1Y2M-3DT4H5M6.789012S', 'P1Y2M-3DT4H5M6.789012S'],
  ['P0Y0M-1DT0H0M-0.000001S', 'P-1DT-0.000001S'],
  ['P-1Y-2M40DT-100H0M0S', 'P-1Y-2M40DT-100H'],
  ['P0Y0M0DT0H0M0S', 'PT0S'],
  ['P0Y0M0DT0H0M-1.5S', 'PT-1.5S'],
  ['P0Y1M-1DT0H0M1S', 'P1M-1DT1S'],
  ['P14M', 'P1Y2M'],
  ['P1Y-13M', 'P-1M'],
  ['PT90M', 'PT1H30M'],
  ['PT-90S', 'PT-1M-30S'],
  ['PT1H-1S', 'PT59M59S'],
  ['P30D', 'P30D'],
  ['PT1.10S', 'PT1.1S'],
  ['P178956970Y7M2147483647DT2562047788H54.775807S', 'P178956970Y7M2147483647DT2562047788H54.775807S'],
];
const illegal: readonly unknown[] = [
  ...['', 'P', 'PT', 'P1DT', '1D', 'P1W', 'P1.5D', 'PT1.1234567S', 'P1H', '1 day', 'infinity', 'P+1D'],
  ...['P178956970Y8M', 'P2147483648D', 'PT2562047788H54.775808S', 5, null],
];

describe('canonicalInterval', () => {
  it.each(legal)('%s -> %s', (given, canonical) => {
    expect(canonicalInterval(given)).toBe(canonical);
    expect(canonicalInterval(canonical)).toBe(canonical);
  });

  it.each(illegal)('refuses %j', (given) => expect(() => canonicalInterval(given)).toThrow(FicusError));

  it('keeps months, days and microseconds apart, whatever their signs', () => {
    const part = fc.integer({ min: -1_000_000, max: 1_000_000 });
    fc.assert(
      fc.property(part, part, part, fc.nat(999_999), (months, days, seconds, micros) => {
        const canonical = canonicalInterval(
          `P${months}M${days}DT${seconds}.${String(micros).padStart(6, '0')}S`,
        );
        const read =
          /^P(?:(-?\d+)Y)?(?:(-?\d+)M)?(?:(-?\d+)D)?(?:T(?:(-?\d+)H)?(?:(-?\d+)M)?(?:(-?[\d.]+)S)?)?$/.exec(
            canonical,
          );
        const [, y = 0, mo = 0, d = 0, h = 0, m = 0, s = 0] = read ?? expect.fail(canonical);
        expect(Number(y) * 12 + Number(mo)).toBe(months);
        expect(Number(d)).toBe(days);
        const sign = seconds < 0 ? -1 : 1;
        const wanted = Math.abs(seconds) * 1e6 + micros;
        expect(Math.round((Number(h) * 3600 + Number(m) * 60 + Number(s)) * 1e6)).toBe(sign * wanted);
      }),
    );
  });
});
