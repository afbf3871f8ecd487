import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVERY_TYPE } from '#testing/every-type';
import { field, ordersPlan } from '#testing/orders-plan';
import { canonicalOf } from '#testing/random-values';
import { parseJson } from './json-text.ts';
import { keyFields, type Plan } from './plan.ts';
import { renderDocument } from './render.ts';
import { readDocument } from './request-body.ts';
import { parseCanonical } from './value.ts';

const key = keyFields(ordersPlan.root);

describe('the JSON of the API', () => {
  it.each(EVERY_TYPE)('holds %j exactly, in both directions', (type) => {
    const fields = [...key, field('value', type)];
    const plan: Plan = { ...ordersPlan, root: { ...ordersPlan.root, fields }, embeds: [] };
    const content = fc.record({
      ...Object.fromEntries(key.map((one) => [one.path, canonicalOf(one.type)])),
      value: fc.option(canonicalOf(type), { nil: null }),
    });
    fc.assert(
      fc.property(content, (root) => {
        const text = JSON.stringify(renderDocument(plan, { root, embeds: {} }));
        expect(readDocument(plan, parseJson(text), null).root).toEqual(root);
      }),
    );
  });

  it.each(EVERY_TYPE)('has one text for each value of %j', (type) => {
    fc.assert(
      fc.property(canonicalOf(type), (value) => {
        expect(parseCanonical(type, value)).toEqual(value);
      }),
    );
  });
});
