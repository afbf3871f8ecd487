import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { draftType } from '#core/draft-type';
import type { Content, FieldType } from '#core/field-type';
import type { Plan } from '#core/plan';
import { checkAgainstCatalogue } from '#core/plan-catalogue';
import { operatorsOf } from '#core/query-parse';
import { everyDocuments, everyPlan, expectLists } from '#testing/every-plan';
import { EVERY_SQL } from '#testing/every-postgres';
import { EVERY_TYPE } from '#testing/every-type';
import { field, ordersPlan } from '#testing/orders-plan';
import { contentOf } from '#testing/random-values';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { PostgresCatalogue } from './catalogue.ts';
import { PostgresStore } from './store.ts';

const key = field('id', { kind: 'long' });
const { fields } = everyPlan.root;

function planOf(table: string, own: Plan['root']['fields']): Plan {
  return { ...ordersPlan, root: { table, key: ['id'], fields: own, ignore: [] }, embeds: [] };
}

/** Types that are carried as text: what PostgreSQL prints of them is what is written. */
const TEXTS: readonly (readonly [column: string, value: string, printed: string])[] = [
  ['xml', '<?xml version="1.0" encoding="UTF-8"?><a b="c">d</a>', '<a b="c">d</a>'],
  ['xml', '<a/>', '<a/>'],
  ['ltree', 'Top.Sci.Astro', 'Top.Sci.Astro'],
  ['ltree', '', ''],
  ['tsvector', "'a':1A,3 'b':2", "'a':1A,3 'b':2"],
  ['int4range', '[1,10)', '[1,10)'],
  ['int8range', '(,9223372036854775807)', '(,9223372036854775807)'],
  ['numrange', '[1.10,2.000]', '[1.10,2.000]'],
  ['daterange', '[2024-02-29,)', '[2024-02-29,)'],
  [
    'tsrange',
    '["2024-02-29 12:34:56.123456","2024-03-01 00:00:00")',
    '["2024-02-29 12:34:56.123456","2024-03-01 00:00:00")',
  ],
  ['int4range', 'empty', 'empty'],
];

describe('PostgreSQL', () => {
  let database: ScratchDatabase;
  let sut: PostgresStore;

  beforeAll(async () => {
    database = await scratchDatabase();
    await database.sql('CREATE EXTENSION ltree');
    await database.sql(EVERY_SQL);
    sut = new PostgresStore('shop', { url: database.url, slot: 'none' });
  });

  afterAll(async () => {
    await sut.close();
    await database.drop();
  });

  it('holds every type exactly, and finds it again', async () => {
    await fc.assert(
      fc.asyncProperty(contentOf(fields), contentOf(fields), async (given, other) => {
        const root: Content = { ...given, id: '1' };
        const document = { root, embeds: {} };
        expect(await sut.write(everyPlan, { kind: 'insert', document })).toMatchObject({
          kind: 'done',
          document,
        });
        expect(await sut.readOne(everyPlan, ['1'])).toEqual(document);
        const asked = fields
          .filter((one) => root[one.path] === null || operatorsOf(one).includes('in'))
          .map((one) => ({ field: one, operator: 'eq' as const, values: [root[one.path] ?? null] }));
        const sort = [{ field: key, descending: false }];
        const page = await sut.list(everyPlan, { filters: asked, sort, after: null, limit: 5 });
        expect(page.documents).toEqual([document]);
        const next = { root: { ...other, id: '1' }, embeds: {} };
        const replaced = await sut.write(everyPlan, { kind: 'replace', key: ['1'], document: next });
        expect(replaced).toMatchObject({ kind: 'done', document: next });
        expect(await sut.write(everyPlan, { kind: 'delete', key: ['1'] })).toMatchObject({ kind: 'done' });
      }),
      { numRuns: 60 },
    );
  });

  it('lists by every type as core compares', async () => {
    for (const document of everyDocuments) await sut.write(everyPlan, { kind: 'insert', document });
    await expectLists((query) => sut.list(everyPlan, query), 400);
  });

  it('describes every type so that a draft has it, and a plan of it has no fault', async () => {
    const catalogue = new PostgresCatalogue('shop', database.url);
    try {
      const described = await catalogue.describe('public.every');
      const faults = checkAgainstCatalogue(everyPlan, new Map([['public.every', described]]));
      expect(faults).toEqual([]);
      for (const [index, type] of EVERY_TYPE.entries()) {
        const column =
          described.columns.find(({ name }) => name === `f${index}`) ?? expect.fail(`no f${index}`);
        const drafted = draftType(column);
        expect(drafted).toMatchObject({ kind: 'field', type: { kind: type.kind } });
        if (drafted.kind === 'field' && (type.kind === 'array' || type.kind === 'bits'))
          expect(drafted.type).toEqual(type);
      }
    } finally {
      await catalogue.close();
    }
  });

  it.each(TEXTS)('carries %s %j as the text %j', async (column, value, printed) => {
    const table = `texts_${TEXTS.findIndex(([one, text]) => one === column && text === value)}`;
    await database.sql(`CREATE TABLE ${table} (id bigint PRIMARY KEY, value ${column})`);
    const carried = field('value', { kind: 'string', trim: false, length: null });
    const texts = planOf(`public.${table}`, [key, carried]);
    const document = { root: { id: '1', value }, embeds: {} };
    await sut.write(texts, { kind: 'insert', document });
    expect(await sut.readOne(texts, ['1'])).toEqual({ root: { id: '1', value: printed }, embeds: {} });
    const filters = [{ field: carried, operator: 'eq' as const, values: [printed] }];
    const sort = [{ field: key, descending: false }];
    const page = await sut.list(texts, { filters, sort, after: null, limit: 5 });
    expect(page.documents).toHaveLength(1);
  });

  const unreadable: readonly (readonly [FieldType, string, string])[] = [
    [{ kind: 'array', of: { kind: 'int' } }, 'int[]', "'{{1,2},{3,4}}'"],
    [{ kind: 'array', of: { kind: 'int' } }, 'int[]', "'[5:6]={1,2}'"],
    [{ kind: 'array', of: { kind: 'date' } }, 'date[]', "'{infinity}'"],
  ];
  it.each(unreadable)('of %j names what no event can tell: %s %s', async (type, column, value) => {
    const table = `odd_${unreadable.findIndex(([, , one]) => one === value)}`;
    await database.sql(
      `CREATE TABLE ${table} (id bigint PRIMARY KEY, value ${column}); INSERT INTO ${table} VALUES (1, ${value})`,
    );
    const read = await sut.readOne(planOf(`public.${table}`, [key, field('value', type)]), ['1']);
    const reason: unknown = expect.stringMatching(/odd_\d, row id=1, column value: .* not legal/);
    expect(read?.unreadable).toEqual([{ pointer: '/value', reason }]);
  });
});
