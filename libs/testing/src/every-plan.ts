import fc from 'fast-check';
import type { CanonicalDocument } from '#core/document';
import type { CanonicalValue } from '#core/field-type';
import type { Field, Plan } from '#core/plan';
import type { Filter, ListQuery, Page } from '#core/query';
import { isOrdered, operatorsOf } from '#core/query-parse';
import { EVERY_TYPE } from './every-type.ts';
import { MemoryLegacyStore } from './memory-legacy-store.ts';
import { field, ordersPlan } from './orders-plan.ts';
import { contentOf } from './random-values.ts';

const KEY = field('id', { kind: 'long' });

/** A plan of a table `public.every` with the key `id` and a column `f0`, `f1`, ... for each of EVERY_TYPE. */
export const everyPlan: Plan = {
  ...ordersPlan,
  collection: 'every',
  root: {
    table: 'public.every',
    key: ['id'],
    fields: [KEY, ...EVERY_TYPE.map((type, index) => field(`f${index}`, type))],
    ignore: [],
  },
  embeds: [],
};

const OWN = everyPlan.root.fields.filter((one) => one !== KEY);

/** Documents of which many have the same value of a field, or none. */
export const everyDocuments: readonly CanonicalDocument[] = fc
  .sample(contentOf(OWN), { numRuns: 12, seed: 11 })
  .flatMap((values, index, all) =>
    [values, all[(index * 5 + 1) % all.length] ?? values, all[(index * 7 + 2) % all.length] ?? values].map(
      (others, row): CanonicalDocument => ({
        root: {
          id: String(index * 3 + row),
          ...Object.fromEntries(
            OWN.map(({ path }, column) => [path, ((column + row) % 2 === 0 ? values : others)[path] ?? null]),
          ),
        },
        embeds: {},
      }),
    ),
  );

/** @throws when a store that holds `everyDocuments` lists them in another way than core compares. */
export async function expectLists(list: (query: ListQuery) => Promise<Page>, numRuns: number): Promise<void> {
  const memory = new MemoryLegacyStore(everyPlan, everyDocuments);
  await fc.assert(
    fc.asyncProperty(query(), async (asked) => {
      const idsOf = ({ documents }: Page): unknown => documents.map(({ root }) => root['id']);
      const [wanted, found] = [idsOf(await memory.list(everyPlan, asked)), idsOf(await list(asked))];
      if (JSON.stringify(found) !== JSON.stringify(wanted))
        throw new Error(`lists ${JSON.stringify(found)}, where core has ${JSON.stringify(wanted)}`);
    }),
    { numRuns },
  );
}

function query(): fc.Arbitrary<ListQuery> {
  return fc
    .record({
      filters: fc.array(filter(), { maxLength: 2 }),
      first: fc.constantFrom(...OWN.filter(isOrdered)),
      descending: fc.boolean(),
      page: fc.option(fc.constantFrom(...everyDocuments), { nil: null }),
    })
    .map(({ filters, first, descending, page }) => {
      const sort = [
        { field: first, descending },
        { field: KEY, descending: false },
      ];
      const after = page === null ? null : sort.map((term) => valueAt(page, term.field));
      return { filters, sort, after, limit: 20 };
    });
}

function filter(): fc.Arbitrary<Filter> {
  return fc.constantFrom(...OWN).chain((one) => {
    const known = everyDocuments.map((document) => valueAt(document, one));
    const isOpaque = !operatorsOf(one).includes('in');
    const values = isOpaque ? [null] : known;
    return fc
      .record({
        operator: fc.constantFrom(...operatorsOf(one)),
        some: fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 3 }),
      })
      .map(({ operator, some }) => {
        const isRange = ['gt', 'gte', 'lt', 'lte'].includes(operator);
        const [value = null] = isRange ? some.filter((each) => each !== null) : some;
        if (isRange && value === null) return { field: one, operator: 'ne' as const, values: [null] };
        return { field: one, operator, values: operator === 'in' ? some : [value] };
      });
  });
}

function valueAt({ root }: CanonicalDocument, { path }: Field): CanonicalValue {
  return root[path] ?? null;
}
