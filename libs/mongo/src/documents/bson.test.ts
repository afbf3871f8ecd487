import fc from 'fast-check';
import { BSON, Double, Int32, Long } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { CanonicalValue, FieldType } from '#core/field-type';
import { EVERY_TYPE } from '#testing/every-type';
import { canonicalOf } from '#testing/random-values';
import { BsonWriter, nameOf } from '../bson-writer.ts';
import { BSON_OPTIONS, bigintOf, fromBson, longText, toBson, writeValue } from './bson.ts';

describe('BSON', () => {
  it.each(EVERY_TYPE)('holds %j exactly', (type) => {
    fc.assert(
      fc.property(fc.option(canonicalOf(type), { nil: null }), (value) => {
        const bytes = BSON.serialize({ value: toBson(type, value) });
        expect(fromBson(type, BSON.deserialize(bytes, BSON_OPTIONS)['value'])).toEqual(value);
      }),
    );
  });

  it.each(EVERY_TYPE)('of %j is written as the driver writes it', (type) => {
    fc.assert(
      fc.property(fc.option(canonicalOf(type), { nil: null }), (value) => {
        const out = new BsonWriter();
        const from = out.open();
        writeValue(out, nameOf('value'), type, value);
        out.close(from);
        expect(out.bytes).toEqual(BSON.serialize({ value: toBson(type, value) }));
      }),
    );
  });
});

describe('a value that is none of its type', () => {
  const int: FieldType = { kind: 'int' };
  const double: FieldType = { kind: 'double' };
  const cases: readonly [FieldType, CanonicalValue, unknown][] = [
    [{ kind: 'boolean' }, 1, new Int32(1)],
    [int, 'abc', 'abc'],
    [int, 2 ** 40, new Double(2 ** 40)],
    [{ kind: 'long' }, '', ''],
    [{ kind: 'long' }, 'twelve and more than fifteen', 'twelve and more than fifteen'],
    [{ kind: 'decimal', precision: 5, scale: 2 }, 'x', 'x'],
    [double, 'x', 'x'],
    [{ kind: 'date' }, 'yesterday', 'yesterday'],
    [{ kind: 'string', trim: false, length: null }, 5, new Int32(5)],
    [{ kind: 'array', of: int }, 'a', 'a'],
    [{ kind: 'array', of: int }, ['a', 1, null], ['a', new Int32(1), null]],
    [{ kind: 'string', trim: false, length: null }, ['a', false], ['a', false]],
  ];
  it.each(cases)('is written as it is: of %j, %j', (type, value, found) => {
    const out = new BsonWriter();
    const from = out.open();
    writeValue(out, nameOf('value'), type, value);
    out.close(from);
    expect(out.bytes).toEqual(BSON.serialize({ value: found }));
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
