import { describe, expect, it } from 'vitest';
import type { FieldType } from './field-type.ts';
import type { Field, Plan } from './plan.ts';
import { checkAgainstCatalogue } from './plan-catalogue.ts';
import type { BeforeImages, CatalogueColumn, CatalogueTable, TableTrait } from './ports/catalogue.ts';

function field(column: string, type: FieldType = { kind: 'int' }): Field {
  return { path: column, segments: [column], column, type, required: false, readOnly: false };
}

const plan: Plan = {
  unit: 'orders',
  owner: 'team',
  description: '',
  mode: 'RW',
  system: 'shop',
  version: { kind: 'lsn' },
  topic: 'shop.s.order',
  collection: 'orders',
  root: {
    table: 's.order',
    key: ['id'],
    fields: [field('id', { kind: 'long' }), field('at', { kind: 'timestamp', precision: 6 })],
    ignore: ['note'],
  },
  embeds: [
    {
      path: 'lines',
      table: 's.line',
      topic: 'shop.s.line',
      parentKey: ['order_id'],
      key: ['no'],
      cardinality: 'many',
      fields: [field('no')],
      ignore: [],
    },
  ],
  truncate: 'hold',
  reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
  levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 0.05 },
};
const byColumn: Plan = {
  ...plan,
  version: { kind: 'column', column: 'rv' },
  root: { ...plan.root, fields: [...plan.root.fields, field('rv', { kind: 'long' })] },
};

function column(name: string, precision: number | null = null): CatalogueColumn {
  return {
    name,
    type: 'x',
    length: null,
    precision,
    scale: null,
    nullable: true,
    hasDefault: false,
    generated: null,
    inLog: true,
  };
}

const order: CatalogueTable = {
  table: 's.order',
  columns: [column('id'), column('at', 6), column('note')],
  primaryKey: ['id'],
  uniqueKeys: [],
  referencedBy: [],
  beforeImages: 'primary-key',
  partitions: null,
  traits: [],
  comment: null,
};
const line: CatalogueTable = {
  ...order,
  table: 's.line',
  columns: [column('order_id'), column('no')],
  primaryKey: ['order_id', 'no'],
};

function check(by: Plan, tables: readonly CatalogueTable[]): readonly string[] {
  const faults = checkAgainstCatalogue(by, new Map(tables.map((one) => [one.table, one])));
  expect(faults.every(({ unit }) => unit === 'orders')).toBe(true);
  return faults.map(({ table, message }) => `${table}: ${message}`);
}

interface Case {
  readonly what: string;
  readonly by?: Plan;
  readonly tables: readonly CatalogueTable[];
  readonly faults: readonly RegExp[];
}

const versioned: CatalogueTable = { ...order, columns: [...order.columns, column('rv')] };
const full: Pick<CatalogueTable, 'beforeImages'> = { beforeImages: 'full' };
const versionedLine: CatalogueTable = { ...line, columns: [...line.columns, column('rv')] };
const ignoring: Plan = {
  ...byColumn,
  embeds: byColumn.embeds.map((embed) => ({ ...embed, ignore: ['rv'] })),
};

function sliced(table: CatalogueTable, images: readonly BeforeImages[]): CatalogueTable {
  const partitions = images.map((beforeImages, index) => ({
    table: `${table.table}_${index}`,
    beforeImages,
  }));
  return { ...table, partitions };
}

const cases: readonly Case[] = [
  { what: 'a plan that fits', tables: [order, line], faults: [] },
  { what: 'a missing table', tables: [order], faults: [/^s\.line: .*no such table/] },
  {
    what: 'columns that are not there',
    tables: [{ ...order, columns: [column('id')] }, line],
    faults: [/column at is named by the plan.*which has id$/, /column note/],
  },
  {
    what: 'a parent key that is not there',
    tables: [order, { ...line, columns: [column('no')], ...full }],
    faults: [/column order_id is named/],
  },
  {
    what: 'a column that the plan forgot',
    tables: [{ ...order, columns: [...order.columns, column('extra')] }, line],
    faults: [/column extra is neither mapped nor listed under ignore/],
  },
  {
    what: 'no primary key',
    tables: [{ ...order, primaryKey: [] }, line],
    faults: [
      /^s\.order: the table has no primary key.*spread over.*add a primary key, or .*REPLICA IDENTITY FULL$/,
    ],
  },
  {
    what: 'no primary key, and a unique one without full images',
    tables: [{ ...order, primaryKey: [], uniqueKeys: [['at', 'id'], ['id']] }, line],
    faults: [
      /^s\.order: .*no primary key.*ALTER TABLE "s"\."order" REPLICA IDENTITY FULL.*told apart by \(at, id\) or \(id\)$/,
    ],
  },
  {
    what: 'no primary key, and unique ones with full images',
    tables: [
      { ...order, primaryKey: [], uniqueKeys: [['at', 'id'], ['id']], ...full },
      { ...line, primaryKey: [], uniqueKeys: [['no']], ...full },
    ],
    faults: [],
  },
  {
    what: 'a key that is none of the unique ones',
    tables: [
      { ...order, primaryKey: [], uniqueKeys: [['at', 'id']], ...full },
      { ...line, primaryKey: [], uniqueKeys: [['no', 'at']], ...full },
    ],
    faults: [
      /^s\.order: legacy\.key is id, by which rows need not differ; .* one of its unique keys: \(at, id\)/,
      /^s\.line: .*contain none of its unique keys, \(no, at\), so several rows could share one place/,
    ],
  },
  {
    what: 'a unique key of numbers without a scale',
    tables: [
      {
        ...order,
        columns: [
          { ...column('id'), type: 'numeric', precision: 9, scale: 0 },
          column('at', 6),
          { ...column('note'), type: 'numeric' },
        ],
        ...{ primaryKey: [], uniqueKeys: [['note']], ...full },
      },
      line,
    ],
    faults: [/^s\.order: the table has no primary key, and no other key/],
  },
  {
    what: 'partitions of a table without a primary key',
    tables: [sliced({ ...order, primaryKey: [], uniqueKeys: [['id']], ...full }, ['full']), line],
    faults: [
      /^s\.order: the table has no primary key, and a partitioned table cannot promise.*add a primary key/,
    ],
  },
  {
    what: 'no primary key, full images or not',
    tables: [
      { ...order, primaryKey: [], ...full },
      { ...line, primaryKey: [], ...full },
    ],
    faults: [/^s\.order: the table has no primary key/, /^s\.line: the table has no primary key/],
  },
  {
    what: 'a primary key that the plan names in part',
    tables: [{ ...order, primaryKey: ['id', 'note'] }, line],
    faults: [/legacy\.key is id, but the primary key is id, note; .*exactly the columns of the primary key/],
  },
  {
    what: 'a key that is more than the primary key',
    by: { ...plan, root: { ...plan.root, key: ['id', 'at'] } },
    tables: [{ ...order, ...full }, line],
    faults: [/legacy\.key is id, at, but the primary key is id; /],
  },
  {
    what: 'another key, full images or not',
    tables: [{ ...order, primaryKey: ['note'], ...full }, line],
    faults: [/legacy\.key is id, but the primary key is note; /],
  },
  {
    what: 'the primary key in another order',
    by: { ...plan, root: { ...plan.root, key: ['at', 'id'] } },
    tables: [{ ...order, primaryKey: ['id', 'at'] }, line],
    faults: [],
  },
  {
    what: 'a key of numbers without a scale',
    tables: [
      { ...order, columns: [{ ...column('id'), type: 'numeric' }, column('at', 6), column('note')] },
      { ...line, columns: [column('order_id'), { ...column('no'), type: 'DECFLOAT' }] },
    ],
    faults: [
      /^s\.order: column id is numeric, which cannot be read as long; legal is decimal/,
      /^s\.order: column id of the primary key is numeric without a scale: 1 and 1\.00/,
      /^s\.line: column no is DECFLOAT, which cannot be read as int; legal is decimal/,
      /^s\.line: column no of the primary key is DECFLOAT without a scale/,
    ],
  },
  {
    what: 'a key of numbers of one scale, and others of none',
    tables: [
      {
        ...order,
        columns: [
          { ...column('id'), type: 'numeric', precision: 9, scale: 0 },
          column('at', 6),
          { ...column('note'), type: 'numeric' },
        ],
      },
      line,
    ],
    faults: [],
  },
  {
    what: 'a primary key of a child that its place tells in part',
    tables: [order, { ...line, primaryKey: ['order_id', 'no', 'at'], ...full }],
    faults: [
      /at is part of neither parentKey \(order_id\) nor key \(no\), so several rows would share one place/,
    ],
  },
  {
    what: 'a parent key outside of the primary key',
    tables: [order, { ...line, primaryKey: ['no'] }],
    faults: [
      /order_id is part of the plan's parentKey or key but not of the primary key \(no\).*set ALTER TABLE "s"\."line" REPLICA IDENTITY FULL/,
    ],
  },
  {
    what: 'the same with full images',
    tables: [order, { ...line, primaryKey: ['no'], ...full }],
    faults: [],
  },
  {
    what: 'the same in partitions, of which a later one has no full images',
    tables: [order, sliced({ ...line, primaryKey: ['no'], ...full }, ['full'])],
    faults: [/order_id is part of .*a partitioned table cannot promise full before images/],
  },
  {
    what: 'no replica identity',
    tables: [
      { ...order, beforeImages: 'none' },
      { ...line, beforeImages: 'none' },
    ],
    faults: [
      /^s\.order: .*NOTHING.*refuses every UPDATE and DELETE.*set ALTER TABLE "s"\."order" REPLICA IDENTITY DEFAULT, or FULL/,
      /^s\.line: .*NOTHING.*set ALTER TABLE "s"\."line" REPLICA IDENTITY DEFAULT/,
    ],
  },
  {
    what: 'another index as replica identity',
    tables: [
      { ...order, beforeImages: 'other-index' },
      { ...line, beforeImages: 'other-index' },
    ],
    faults: [
      /^s\.order: .*USING INDEX.*never deleted; set ALTER TABLE "s"\."order" REPLICA IDENTITY DEFAULT/,
      /^s\.line: .*USING INDEX/,
    ],
  },
  {
    what: 'partitions that send their keys',
    tables: [sliced(order, []), sliced(line, ['primary-key', 'full'])],
    faults: [],
  },
  {
    what: 'partitions that send none, or others',
    tables: [sliced(order, ['none', 'primary-key', 'none', 'none', 'none', 'other-index']), line],
    faults: [
      /^s\.order: of its partitions, s\.order_0, s\.order_2, s\.order_3 and 1 more have .*NOTHING.*set ALTER TABLE "s"\."order_0" REPLICA IDENTITY DEFAULT for each/,
      /^s\.order: of its partitions, s\.order_5 has .*USING INDEX/,
    ],
  },
  {
    what: 'a fraction of other digits',
    tables: [{ ...order, columns: [column('id'), column('at', 3), column('note')] }, line],
    faults: [/column at has 3 fractional digits, but at says precision 6/],
  },
  {
    what: 'a version column whose deletes come without it',
    by: byColumn,
    tables: [versioned, line],
    faults: [
      /^s\.order: rows are ordered by rv, which .* without it; set ALTER TABLE "s"\."order" REPLICA IDENTITY FULL, or order by lsn/,
    ],
  },
  {
    what: 'a version column that an embedded table has too, though its plan ignores it',
    by: ignoring,
    tables: [{ ...versioned, ...full }, versionedLine],
    faults: [/^s\.line: rows are ordered by rv, which the table has, but a delete would come without it/],
  },
  {
    what: 'the same with full images',
    by: ignoring,
    tables: [
      { ...versioned, ...full },
      { ...versionedLine, ...full },
    ],
    faults: [],
  },
  {
    what: 'a version column in partitions',
    by: byColumn,
    tables: [sliced({ ...versioned, ...full }, ['full']), line],
    faults: [/a partitioned table cannot promise full before images.*; order by lsn$/],
  },
  {
    what: 'a version column with full images',
    by: byColumn,
    tables: [{ ...versioned, ...full }, line],
    faults: [],
  },
];

describe('checkAgainstCatalogue', () => {
  it.each(cases)('judges $what', ({ by = plan, tables, faults }) => {
    expect(check(by, tables)).toEqual(faults.map((fault) => expect.stringMatching(fault)));
  });
});

describe('what stands in the way of following a table', () => {
  it.each<[TableTrait, RegExp]>([
    ['deferrable-key', /primary key is deferrable/],
    ['inherited', /INHERITS/],
    ['is-partition', /partition of another table/],
    ['row-security', /BYPASSRLS/],
    ['unlogged', /SET LOGGED/],
    ['unpublished-identity', /REPLICA IDENTITY FULL and a generated column/],
  ])('%s is named, of the root as of an embedded table', (trait, says) => {
    expect(check(plan, [{ ...order, traits: [trait] }, line])).toEqual([expect.stringMatching(says)]);
    expect(check(plan, [order, { ...line, traits: [trait] }])).toEqual([expect.stringMatching(says)]);
  });

  it('columns that differ in case only are', () => {
    const twins = { ...order, columns: [...order.columns, column('Note')] };
    const by: Plan = { ...plan, root: { ...plan.root, ignore: ['note', 'Note'] } };
    expect(check(by, [twins, line])).toEqual([
      expect.stringContaining('columns note and Note differ in case only'),
    ]);
  });

  it('a column that the log does not have cannot be mapped, and may be ignored', () => {
    const computed = (name: string) => ({ ...column(name, 6), inLog: false });
    const of = (one: CatalogueColumn) => ({
      ...order,
      columns: order.columns.map((known) => (known.name === one.name ? one : known)),
    });
    expect(check(plan, [of(computed('at')), line])).toEqual([
      expect.stringContaining('column at is computed by the database, and the log does not have it'),
    ]);
    expect(check(plan, [of(computed('note')), line])).toEqual([]);
  });
});

describe('a parent key', () => {
  it('is read as the key that it points at', () => {
    const typed = (name: string, type: string) => ({ ...column(name), type });
    const child = (type: string) => ({ ...line, columns: [typed('order_id', type), column('no')] });
    expect(check(plan, [order, child('integer')])).toEqual([]);
    expect(check(plan, [order, child('text')])).toEqual([
      expect.stringMatching(
        /parentKey: column order_id is text, which cannot be read as long; .* id of s\.order is/,
      ),
    ]);
  });
});
