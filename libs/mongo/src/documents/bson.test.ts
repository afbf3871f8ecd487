import fc from 'fast-check';
import { BSON, Long } from 'mongodb';
import { describe, expect, it } from 'vitest';
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
