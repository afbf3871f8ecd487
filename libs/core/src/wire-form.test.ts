import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVERY_TYPE } from '#testing/every-type';
import { field, ordersPlan } from '#testing/orders-plan';
import { canonicalOf } from '#testing/random-values';
import { parseCursor, printCursor } from './cursor.ts';
import type { FieldKind } from './field-type.ts';
import { parseJson } from './json-text.ts';
import { keyText, parseKey } from './key.ts';
import { keyFields, type Plan } from './plan.ts';
import { isOrdered, operatorsOf, parseListRequest, printListRequest } from './query-parse.ts';
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

/** Kinds that a key can have. */
const keyKinds: readonly FieldKind[] = [
  'date',
  'decimal',
  'int',
  'long',
  'string',
  'timestamp',
  'timestamptz',
  'uuid',
];
const named = EVERY_TYPE.map((type) => ({ type, of: field('value', type) }));

describe('the address of a page', () => {
  it.each(named.filter(({ of }) => isOrdered(of)))('holds $type exactly in a cursor', ({ type, of }) => {
    const scope = { unit: 'orders', sort: [{ field: of, descending: false }] };
    fc.assert(
      fc.property(fc.option(canonicalOf(type), { nil: null }), (value) => {
        const cursor = { store: 'legacy', values: [value] } as const;
        expect(parseCursor(printCursor(cursor, scope), scope)).toEqual(cursor);
      }),
    );
  });

  it.each(named.filter(({ of }) => operatorsOf(of).includes('in')))(
    'holds $type exactly in a filter',
    ({ type, of }) => {
      const plan: Plan = { ...ordersPlan, root: { ...ordersPlan.root, fields: [...key, of] }, embeds: [] };
      const sort = key.map((one) => ({ field: one, descending: false }));
      const values = fc.array(fc.option(canonicalOf(type), { nil: null }), { minLength: 1, maxLength: 3 });
      fc.assert(
        fc.property(values, (some) => {
          const filters = [{ field: of, operator: 'in' as const, values: some }];
          const request = { filters, sort, limit: 5, cursor: null };
          expect(parseListRequest(plan, printListRequest(request))).toEqual(request);
        }),
      );
    },
  );
});

describe('the address of a document', () => {
  it.each(named.filter(({ type }) => keyKinds.includes(type.kind)))('holds $type exactly', ({ type, of }) => {
    fc.assert(
      fc.property(canonicalOf(type), (value) => {
        expect(parseKey(keyText([value]), [of])).toEqual([value]);
      }),
    );
  });
});
