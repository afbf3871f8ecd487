import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyDocument } from '#core/apply';
import type { CanonicalDocument } from '#core/document';
import type { CanonicalValue } from '#core/field-type';
import { compareValues, keyText } from '#core/key';
import { type Field, keyFields, type Plan } from '#core/plan';
import { FILTER_OPERATORS, type Filter, type SortTerm } from '#core/query';
import { keyOf } from '#core/render';
import { conformingReads } from '#testing/conformance/documents';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { ordersPlan } from '#testing/orders-plan';
import { contentOf } from '#testing/random-values';
import { SOME_ORDERS } from '#testing/some-orders';
import { storedOf } from '#testing/stored-documents';
import { ensureCollection } from './schema.ts';
import { MongoDocumentStore } from './store.ts';

const plan: Plan = { ...ordersPlan, embeds: [] };
const KEY = keyFields(plan.root);
/** What a list may be sorted and compared by; bytes and JSON have no order that all stores share. */
const ordered = plan.root.fields.filter(
  ({ type, readOnly }) => !readOnly && !['bytes', 'json'].includes(type.kind),
);

let databases: TestDatabases;
let sut: MongoDocumentStore;
/** Few values of each field, so that many documents are equal in it. */
const documents: CanonicalDocument[] = distinct(
  fc.sample(contentOf(plan.root.fields), { numRuns: 12, seed: 7 }).flatMap((values, index, all) =>
    fc.sample(fc.constantFrom(...all), { numRuns: 12, seed: index }).map((others, row) => ({
      root: Object.fromEntries(
        plan.root.fields.map(({ path }, column) => [
          path,
          ((column + row) % 2 === 0 ? values : others)[path] ?? null,
        ]),
      ),
      embeds: {},
    })),
  ),
);

beforeAll(async () => {
  databases = await openTestDatabases();
  sut = new MongoDocumentStore(databases.documents);
  await ensureCollection(databases.documents, plan, 1);
  const writes = documents
    .map((one) => storedOf(plan, one))
    .map((after) => ({ before: emptyDocument(after.key), after }));
  expect(await sut.save(plan, 1, writes)).toEqual({ conflicts: [], rejected: [] });
});
afterAll(async () => {
  await databases.close();
});

const sort: fc.Arbitrary<readonly SortTerm[]> = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom(...ordered), { maxLength: 2 }),
    fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
  )
  .map(([fields, directions]) => {
    const rest = KEY.filter((field) => !fields.includes(field));
    return [...fields, ...rest].map((field, index) => ({ field, descending: directions[index] ?? false }));
  });
const filter: fc.Arbitrary<Filter> = fc
  .tuple(
    fc.constantFrom(...ordered),
    fc.constantFrom(...FILTER_OPERATORS),
    fc.array(fc.nat(documents.length - 1), { minLength: 1, maxLength: 3 }),
  )
  .map(([field, operator, rows]) => {
    const values = rows.map((row) => documents[row]?.root[field.path] ?? null);
    const compares = ['gt', 'gte', 'lt', 'lte'].includes(operator);
    const some = compares ? (values.find((value) => value !== null) ?? null) : (values[0] ?? null);
    return compares && some === null
      ? { field, operator: 'ne' as const, values: [null] }
      : { field, operator, values: operator === 'in' ? values : [some] };
  });

describe('list', () => {
  it('filters, sorts and pages as core compares', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(filter, { maxLength: 2 }),
        sort,
        fc.integer({ min: 1, max: 40 }),
        async (filters, terms, limit) => {
          const expected = documents
            .filter((one) => filters.every((each) => passes(each, one.root[each.field.path] ?? null)))
            .sort((a, b) => compare(terms, a, b));
          const found: CanonicalDocument[] = [];
          for (let after: readonly CanonicalValue[] | null = null; ; ) {
            const page = await sut.list(plan, { filters, sort: terms, limit, after });
            found.push(...page.documents);
            const last = page.documents.at(-1);
            expect(page.more).toBe(found.length < expected.length);
            if (last === undefined || !page.more) break;
            after = terms.map(({ field }) => last.root[field.path] ?? null);
          }
          expect(found.map(nameOf)).toEqual(expected.map(nameOf));
        },
      ),
      { numRuns: 150 },
    );
  });

  it('goes by the index of the key when it is sorted by the key', async () => {
    const query = {
      filters: [],
      sort: KEY.map((field) => ({ field, descending: false })),
      limit: 5,
      after: ['A', '0'],
    };
    const [page, all] = [
      await sut.list(plan, query),
      [...documents].sort((a, b) => compare(query.sort, a, b)),
    ];
    const beyond = all.filter(
      (one) => compare(query.sort, { root: { region: 'A', number: '0' }, embeds: {} }, one) < 0,
    );
    expect(page.documents.map(nameOf)).toEqual(beyond.slice(0, 5).map(nameOf));
  });
});

function nameOf({ root }: CanonicalDocument): string {
  return keyText(keyOf(KEY, root));
}

function distinct(given: readonly CanonicalDocument[]): CanonicalDocument[] {
  return [...new Map(given.map((one) => [nameOf(one), one])).values()];
}

function compare(terms: readonly SortTerm[], a: CanonicalDocument, b: CanonicalDocument): number {
  for (const { field, descending } of terms) {
    const order = compareValues(a.root[field.path] ?? null, b.root[field.path] ?? null, field.type);
    if (order !== 0) return descending ? -order : order;
  }
  return 0;
}

/** The comments of core/query.ts as a function; NaN is equal to itself and never greater or less. */
function passes({ field, operator, values }: Filter, value: CanonicalValue): boolean {
  const equal = (other: CanonicalValue): boolean => compareValues(value, other, field.type) === 0;
  const [first = null] = values;
  switch (operator) {
    case 'eq':
      return equal(first);
    case 'ne':
      return !equal(first);
    case 'in':
      return values.some(equal);
    case 'gt':
    case 'lt':
    case 'gte':
    case 'lte':
      return further(field, operator, value, first);
  }
}

function further(
  field: Field,
  operator: 'gt' | 'gte' | 'lt' | 'lte',
  value: CanonicalValue,
  than: CanonicalValue,
): boolean {
  if (value === null || than === null) return false;
  const order = compareValues(value, than, field.type);
  if (order === 0) return operator.endsWith('e');
  return value !== 'NaN' && than !== 'NaN' && (operator.startsWith('g') ? order > 0 : order < 0);
}

describe('as every store that is read does', () => {
  const whole: Plan = { ...ordersPlan, collection: 'conforming' };
  conformingReads(() => ({
    plan: whole,
    store: sut,
    documents: SOME_ORDERS,
    fill: async () => {
      await ensureCollection(databases.documents, whole, 1);
      const after = SOME_ORDERS.map((one) => storedOf(whole, one));
      await sut.save(
        whole,
        1,
        after.map((one) => ({ before: emptyDocument(one.key), after: one })),
      );
    },
  }));
});
