import fc from 'fast-check';
import { BSON } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { EVERY_TYPE } from '#testing/every-type';
import { canonicalOf } from '#testing/random-values';
import { BSON_OPTIONS, fromBson, toBson } from './bson.ts';

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
