import fc from 'fast-check';
import { BSON, Decimal128, Long } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { EVERY_TYPE } from '#testing/every-type';
import { canonicalOf } from '#testing/random-values';
import { BSON_OPTIONS, bigintOf, fromBson, longText, toBson, toDecimal128 } from './bson.ts';

describe('BSON', () => {
  it.each(EVERY_TYPE)('holds %j exactly', (type) => {
    fc.assert(
      fc.property(fc.option(canonicalOf(type), { nil: null }), (value) => {
        const bytes = BSON.serialize({ value: toBson(type, value) });
        expect(fromBson(type, BSON.deserialize(bytes, BSON_OPTIONS)['value'])).toEqual(value);
      }),
    );
  });
});

/** Short ones and long ones, on either side of what a JavaScript number holds. */
const digits = fc
  .integer({ min: 1, max: 30 })
  .chain((length) => fc.stringMatching(new RegExp(`^\\d{${length}}$`)));

describe('toDecimal128', () => {
  it('makes the same bytes as the driver does', () => {
    const decimal = fc
      .tuple(fc.constantFrom('', '-'), digits, fc.option(digits, { nil: null }))
      .map(([sign, whole, fraction]) => (fraction === null ? sign + whole : `${sign}${whole}.${fraction}`))
      .filter((text) => text.replaceAll(/\D/g, '').length <= 34);
    fc.assert(
      fc.property(decimal, (text) => {
        expect(toDecimal128(text).bytes).toEqual(Decimal128.fromString(text).bytes);
      }),
    );
  });
});

describe('a long', () => {
  const long = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.maxSafeInteger().map(BigInt),
  );
  it('is made of its text, and its text of it, as the driver does', () => {
    fc.assert(
      fc.property(long, (value) => {
        const made = toBson({ kind: 'long' }, String(value));
        expect(made).toEqual(Long.fromString(String(value)));
        expect([longText(Long.fromBigInt(value)), bigintOf(Long.fromBigInt(value))]).toEqual([
          String(value),
          value,
        ]);
      }),
    );
  });
});
