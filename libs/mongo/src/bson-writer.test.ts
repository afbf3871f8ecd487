import fc from 'fast-check';
import { BSON, Decimal128, Double, Int32, Long } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { BsonWriter, indexName, nameOf } from './bson-writer.ts';

const NAME = nameOf('märz');

/** The bytes of a document with this one member. */
function written(write: (out: BsonWriter) => void): Buffer {
  const out = new BsonWriter();
  const from = out.open();
  write(out);
  out.close(from);
  return out.bytes;
}
const drivers = (value: unknown) => Buffer.from(BSON.serialize({ märz: value }));

const digits = fc
  .integer({ min: 1, max: 30 })
  .chain((length) => fc.stringMatching(new RegExp(`^\\d{${length}}$`)));
const decimal = fc
  .tuple(fc.constantFrom('', '-'), digits, fc.option(digits, { nil: null }))
  .map(([sign, whole, fraction]) => (fraction === null ? sign + whole : `${sign}${whole}.${fraction}`))
  .filter((text) => text.replaceAll(/\D/g, '').length <= 34);
const long = fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), fc.maxSafeInteger().map(BigInt));
const text = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.string({ maxLength: 200 }),
  fc.constant('é'.repeat(60)),
);

describe('BsonWriter writes what the driver writes:', () => {
  const check = <T>(
    arbitrary: fc.Arbitrary<T>,
    write: (out: BsonWriter, value: T) => void,
    of: (value: T) => unknown,
  ) =>
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(written((out) => write(out, value))).toEqual(drivers(of(value)));
      }),
      { numRuns: 500 },
    );

  it('decimals', () => {
    const any = fc.oneof(decimal, fc.constantFrom('NaN', 'Infinity', '-Infinity'));
    check(
      any,
      (out, value) => out.decimal(NAME, value),
      (value) => Decimal128.fromString(value),
    );
  });
  it('64-bit integers', () => {
    check(
      long,
      (out, value) => out.long(NAME, value),
      (value) => Long.fromBigInt(value),
    );
    check(
      long,
      (out, value) => out.long(NAME, String(value)),
      (value) => Long.fromBigInt(value),
    );
  });
  it('32-bit integers', () => {
    const int = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    check(
      int,
      (out, value) => out.int(NAME, value),
      (value) => new Int32(value),
    );
  });
  it('doubles', () => {
    check(
      fc.double(),
      (out, value) => out.double(NAME, value),
      (value) => new Double(value),
    );
  });
  it('dates', () => {
    const ms = fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 });
    check(
      ms,
      (out, value) => out.date(NAME, value),
      (value) => new Date(value),
    );
  });
  it('texts', () => {
    check(
      text,
      (out, value) => out.text(NAME, value),
      (value) => value,
    );
  });
  it('bytes', () => {
    check(
      fc.uint8Array(),
      (out, value) => out.binary(NAME, value),
      (value) => value,
    );
  });
  it('nothing, booleans, documents and arrays', () => {
    const bytes = written((out) => {
      out.null(NAME);
      out.boolean(nameOf('yes'), true);
      const within = out.openDocument(nameOf('within'));
      out.close(within);
      const list = out.openArray(nameOf('list'));
      for (let index = 0; index < 12; index++) out.int(indexName(index), index);
      out.close(list);
    });
    const list = Array.from({ length: 12 }, (_, index) => index);
    expect(bytes).toEqual(Buffer.from(BSON.serialize({ märz: null, yes: true, within: {}, list })));
  });
});

describe('BsonWriter', () => {
  it('grows, begins again, and takes back', () => {
    const out = new BsonWriter();
    for (const round of [1, 2]) {
      out.clear();
      const from = out.open();
      for (let index = 0; index < 3_000; index++) out.text(indexName(index), 'x'.repeat(100));
      const before = out.length;
      out.text(nameOf('no'), `${round}`);
      out.clear(before);
      out.close(from);
      expect(Object.keys(BSON.deserialize(out.bytes))).toHaveLength(3_000);
    }
  });

  it('refuses an integer that has more than 32 bits', () => {
    expect(() => written((out) => out.int(NAME, 2 ** 31))).toThrow('2147483648');
  });

  it('refuses a name that would end early', () => {
    expect(() => nameOf('a\u0000b')).toThrow('"a\\u0000b"');
  });
});
