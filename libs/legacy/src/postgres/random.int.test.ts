import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CanonicalDocument } from '#core/document';
import { type CanonicalValue, type FieldType, isFloating } from '#core/field-type';
import { compareValues, keyText } from '#core/key';
import { keyFields } from '#core/plan';
import { FILTER_OPERATORS, type Filter, type ListQuery, type SortTerm } from '#core/query';
import { keyOf, sortRows } from '#core/render';
import { ordersPlan as plan } from '#testing/orders-plan';
import { ORDERS_SQL } from '#testing/orders-postgres';
import { canonicalOf, contentOf } from '#testing/random-values';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { PostgresStore } from './store.ts';

const KEY_FIELDS = keyFields(plan.root);
const keyOfDocument = (document: CanonicalDocument): readonly CanonicalValue[] =>
  keyOf(KEY_FIELDS, document.root);

const documents: fc.Arbitrary<CanonicalDocument> = contentOf(plan.root.fields).chain((root) => {
  const embeds = plan.embeds.map((embed) => {
    const fields = embed.fields.filter((field) => !embed.parentKey.includes(field.column));
    const rows = fc.uniqueArray(contentOf(fields), {
      maxLength: embed.cardinality === 'one' ? 1 : 4,
      selector: (row) => keyText(keyOf(keyFields(embed), row)),
    });
    const parents = embed.fields.filter((field) => embed.parentKey.includes(field.column));
    const own = Object.fromEntries(parents.map((field) => [field.path, root[field.path] ?? null]));
    return rows.map((contents) => [
      embed.path,
      sortRows(
        embed,
        contents.map((content) => ({ ...content, ...own })),
      ),
    ]);
  });
  return fc.tuple(...embeds).map((entries) => ({ root, embeds: Object.fromEntries(entries) }));
});

/** Whatever collation a database has, order and equality are the canonical ones. */
interface Case {
  readonly name: string;
  readonly options: string;
}
const databases: readonly Case[] = [
  { name: 'by code point', options: '' },
  { name: 'by a language', options: "TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE'" },
];

describe.each(databases)('a database that sorts $name', ({ options }) => {
  let database: ScratchDatabase;
  let sut: PostgresStore;

  beforeAll(async () => {
    database = await scratchDatabase(options);
    await database.sql(ORDERS_SQL);
    sut = new PostgresStore('shop', { url: database.url, slot: 'none' });
  });

  afterAll(async () => {
    await sut.close();
    await database.drop();
  });

  test('gives any document back as it was written', async () => {
    await fc.assert(
      fc.asyncProperty(documents, documents, async (first, second) => {
        const key = keyOfDocument(first);
        const inserted = await sut.write(plan, { kind: 'insert', document: first });
        expect(inserted).toMatchObject({ kind: 'done', document: first });
        expect(await sut.readOne(plan, key)).toMatchObject(first);
        const other = withKey(second, first);
        const replaced = await sut.write(plan, { kind: 'replace', key, document: other });
        expect(replaced).toMatchObject({ kind: 'done', document: other });
        const [marked] = await sut.readMarked(plan, [key]);
        expect(marked?.document).toMatchObject(other);
        expect(await sut.write(plan, { kind: 'delete', key })).toMatchObject({ kind: 'done' });
        expect(await sut.readOne(plan, key)).toBeNull();
      }),
      { numRuns: 40 },
    );
  });

  test('lists as the canonical values say, and its cursors see every row once', async () => {
    const rows = fc.sample(documents, { numRuns: 150, seed: 20 });
    const written = new Map<string, CanonicalDocument>();
    for (const document of rows) {
      const key = keyText(keyOfDocument(document));
      if (written.has(key)) continue;
      const result = await sut.write(plan, { kind: 'insert', document });
      if (result.kind === 'done' && result.document !== null) written.set(key, result.document);
    }
    const all = [...written.values()];
    await fc.assert(
      fc.asyncProperty(queries(all), async (query) => {
        const expected = all.filter((document) => matches(document, query.filters)).sort(byTerms(query.sort));
        const seen: CanonicalDocument[] = [];
        for (let after: ListQuery['after'] = null, more = true; more; ) {
          const page = await sut.list(plan, { ...query, after });
          seen.push(...page.documents);
          expect(page.documents.length).toBeLessThanOrEqual(query.limit);
          more = page.more;
          after = query.sort.map((term) => page.documents.at(-1)?.root[term.field.path] ?? null);
        }
        expect(seen.map(keyOfDocument)).toEqual(expected.map(keyOfDocument));
        expect(seen).toEqual(expected);
      }),
      { numRuns: 80 },
    );
  });
});

function withKey(document: CanonicalDocument, like: CanonicalDocument): CanonicalDocument {
  const own = Object.fromEntries(KEY_FIELDS.map((field) => [field.path, like.root[field.path] ?? null]));
  const embeds = plan.embeds.map((embed) => {
    const parents = embed.fields.filter((field) => embed.parentKey.includes(field.column));
    const parent = Object.fromEntries(parents.map((field) => [field.path, own[field.path] ?? null]));
    const rows = (document.embeds[embed.path] ?? []).map((row) => ({ ...row, ...parent }));
    return [embed.path, rows];
  });
  return { root: { ...document.root, ...own }, embeds: Object.fromEntries(embeds) };
}

function queries(all: readonly CanonicalDocument[]): fc.Arbitrary<ListQuery> {
  const fields = fc.constantFrom(...plan.root.fields);
  const filters = fc.tuple(fields, fc.constantFrom(...FILTER_OPERATORS)).chain(([field, operator]) => {
    const known = fc.constantFrom(...all.map((document) => document.root[field.path] ?? null));
    const value = fc.oneof({ weight: 4, arbitrary: known }, canonicalOf(field.type));
    const values = operator === 'in' ? fc.array(value, { maxLength: 4 }) : fc.tuple(value);
    return values.map((list): Filter => ({ field, operator, values: list }));
  });
  const leading = fc.uniqueArray(fc.record({ field: fields, descending: fc.boolean() }), {
    maxLength: 3,
    selector: (term) => term.field.path,
  });
  return fc.record({
    filters: fc.array(filters, { maxLength: 2 }),
    sort: fc.tuple(leading, fc.boolean()).map(([terms, descending]): SortTerm[] => [
      ...terms,
      ...KEY_FIELDS.filter((field) => !terms.some((term) => term.field === field)).map((field) => ({
        field,
        descending,
      })),
    ]),
    limit: fc.constantFrom(3, 7, 40, 1000),
    after: fc.constant(null),
  });
}

function byTerms(terms: readonly SortTerm[]) {
  return (a: CanonicalDocument, b: CanonicalDocument): number => {
    for (const { field, descending } of terms) {
      const order = compareValues(a.root[field.path] ?? null, b.root[field.path] ?? null, field.type);
      if (order !== 0) return descending ? -order : order;
    }
    return 0;
  };
}

/** What query.ts promises, said in the simplest way. */
function matches(document: CanonicalDocument, filters: readonly Filter[]): boolean {
  return filters.every(({ field, operator, values }) => {
    const value = document.root[field.path] ?? null;
    const is = (other: CanonicalValue): boolean => compareValues(value, other, field.type) === 0;
    const [wanted = null] = values;
    if (operator === 'eq') return is(wanted);
    if (operator === 'ne') return !is(wanted);
    if (operator === 'in') return values.some(is);
    return ordered(value, operator, wanted, field.type);
  });
}

function ordered(value: CanonicalValue, operator: string, wanted: CanonicalValue, type: FieldType): boolean {
  if (value === null || wanted === null) return false;
  if (value === 'NaN' || wanted === 'NaN') {
    if (isFloating(type)) return value === wanted && operator.endsWith('e');
  }
  const order = compareValues(value, wanted, type);
  switch (operator) {
    case 'gt':
      return order > 0;
    case 'gte':
      return order >= 0;
    case 'lt':
      return order < 0;
    default:
      return order <= 0;
  }
}
