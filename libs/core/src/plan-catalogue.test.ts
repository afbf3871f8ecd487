import { describe, expect, it } from 'vitest';
import type { FieldType } from './field-type.ts';
import type { Field, Plan } from './plan.ts';
import { checkAgainstCatalogue } from './plan-catalogue.ts';
import type { CatalogueColumn, CatalogueTable } from './ports/catalogue.ts';

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
    fields: [field('id'), field('at', { kind: 'timestamp', precision: 6 })],
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
  reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
  levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1 },
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
  };
}

const order: CatalogueTable = {
  table: 's.order',
  columns: [column('id'), column('at', 6), column('note')],
  primaryKey: ['id'],
  referencedBy: [],
  fullBeforeImages: false,
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

const versioned = { ...order, columns: [...order.columns, column('rv')] };
const full = { fullBeforeImages: true };

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
  { what: 'no primary key', tables: [{ ...order, primaryKey: [] }, line], faults: [/no primary key/] },
  {
    what: 'no primary key but full images',
    tables: [{ ...order, primaryKey: [], ...full }, line],
    faults: [],
  },
  {
    what: 'a primary key that the plan names in part',
    tables: [{ ...order, primaryKey: ['id', 'note'] }, line],
    faults: [/primary key is id, note, but note is no part of the plan's key/],
  },
  {
    what: 'a key outside of the primary key',
    tables: [{ ...order, primaryKey: ['note'] }, line],
    faults: [
      /note is no part/,
      /id is part of the plan's key but not of the primary key.*REPLICA IDENTITY FULL/,
    ],
  },
  {
    what: 'a parent key outside of the primary key',
    tables: [order, { ...line, primaryKey: ['no'] }],
    faults: [/order_id is part of the plan's key or parentKey/],
  },
  {
    what: 'the same with full images',
    tables: [order, { ...line, primaryKey: ['no'], ...full }],
    faults: [],
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
    faults: [/^s\.order: rows are ordered by rv, but a delete would come without it/],
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
