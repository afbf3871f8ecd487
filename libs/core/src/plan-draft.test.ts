import { describe, expect, test } from 'vitest';
import { column, draft, id, table } from '#testing/drafts';
import type { DraftRequest } from './plan-draft.ts';
import type { CatalogueColumn } from './ports/catalogue.ts';

test('a draft holds every member of a plan', () => {
  const { plan } = draft(table('public.order', [id], { comment: 'All: "orders"\n# and more' }));
  expect(plan).toEqual({
    unit: 'orders',
    owner: 'team',
    description: 'All: "orders"\n# and more',
    mode: 'RW',
    legacy: { system: 'shop', table: 'public.order', key: ['order_id'], version: 'lsn' },
    topic: 'shop.public.order',
    collection: 'orders',
    fields: { orderId: { column: 'order_id', type: 'long', required: true } },
    ignore: [],
    truncate: 'hold',
    reconcile: { schedule: '0 3 * * *', maxRowsPerSecond: 2000, repair: 'log-only', allowEmpty: false },
    levels: { lag: '5s', driftPpm: 0, verified: '24h', badShare: 0.05 },
    legacyWriters: 'revoke',
    emergency: 'none',
  });
});

test('the unit is called as its author wants', () => {
  const { plan } = draft(table('public.order', [id]), { unit: 'sales-orders' });
  expect([plan.unit, plan.collection]).toEqual(['sales-orders', 'sales-orders']);
});

describe('a column', () => {
  interface Case {
    readonly column: CatalogueColumn;
    /** Null: ignored. */
    readonly field: Readonly<Record<string, unknown>> | null;
    readonly kind?: DraftRequest['kind'];
    readonly says?: RegExp;
  }
  const decimal = { precision: 12, scale: 2 };
  const cases: readonly Case[] = [
    { column: column('c', 'boolean'), field: { type: 'boolean' } },
    { column: column('c', 'smallint'), field: { type: 'int' } },
    { column: column('c', 'INTEGER'), field: { type: 'int' }, kind: 'db2' },
    {
      column: column('c', 'BIGINT', { hasDefault: true, nullable: false }),
      field: { type: 'long' },
      kind: 'db2',
    },
    { column: column('c', 'numeric', decimal), field: { type: 'decimal', ...decimal } },
    { column: column('c', 'DECIMAL', decimal), field: { type: 'decimal', ...decimal }, kind: 'db2' },
    { column: column('c', 'numeric'), field: { type: 'decimal' }, says: /more than 34 digits/ },
    {
      column: column('c', 'numeric', { precision: 40, scale: 2 }),
      field: { type: 'decimal', precision: 40, scale: 2, extended: true },
      says: /more than 34 digits/,
    },
    {
      column: column('c', 'numeric', { precision: 3, scale: -2 }),
      field: { type: 'decimal', precision: 5, scale: 0 },
    },
    { column: column('c', 'numeric', { precision: 3, scale: 5 }), field: { type: 'decimal' } },
    { column: column('c', 'DECFLOAT'), field: { type: 'decimal' }, kind: 'db2', says: /NaN and infinity/ },
    { column: column('c', 'real'), field: { type: 'float' } },
    { column: column('c', 'double precision'), field: { type: 'double' } },
    { column: column('c', 'character', { length: 4 }), field: { type: 'string', trim: true, length: 4 } },
    {
      column: column('c', 'CHARACTER', { length: 4 }),
      field: { type: 'string', trim: true, length: 4 },
      kind: 'db2',
    },
    { column: column('c', 'character varying', { length: 9 }), field: { type: 'string', length: 9 } },
    { column: column('c', 'text'), field: { type: 'string' } },
    { column: column('c', 'enum'), field: { type: 'string' } },
    { column: column('c', 'inet'), field: { type: 'string' } },
    { column: column('c', 'uuid'), field: { type: 'uuid' } },
    { column: column('c', 'jsonb'), field: { type: 'json' } },
    { column: column('c', 'bytea'), field: { type: 'bytes' } },
    { column: column('c', 'CHARACTER FOR BIT DATA', { length: 4 }), field: { type: 'bytes' }, kind: 'db2' },
    { column: column('c', 'date'), field: { type: 'date' } },
    {
      column: column('c', 'time without time zone', { precision: 3 }),
      field: { type: 'time', precision: 3 },
    },
    { column: column('c', 'TIME'), field: { type: 'time', precision: 0 }, kind: 'db2' },
    {
      column: column('c', 'timestamp without time zone', { precision: 6 }),
      field: { type: 'timestamp', precision: 6 },
    },
    {
      column: column('c', 'timestamp with time zone', { precision: 0 }),
      field: { type: 'timestamptz', precision: 0 },
    },
    {
      column: column('c', 'TIMESTAMP', { scale: 12 }),
      field: { type: 'timestamp', precision: 6 },
      kind: 'db2',
      says: /more than 6 fractional/,
    },
    {
      column: column('c', 'bigint', { generated: 'identity', nullable: false }),
      field: { type: 'long', readOnly: true },
    },
    {
      column: column('c', 'bigint', { generated: 'expression', inLog: false }),
      field: null,
      says: /Debezium does not stream it/,
    },
    {
      column: column('c', 'BIGINT', { generated: 'expression' }),
      field: { type: 'long', readOnly: true },
      kind: 'db2',
    },
    {
      column: column('c', 'text[]'),
      field: { type: 'array', of: 'string' },
      says: /more dimensions is refused/,
    },
    {
      column: column('c', 'character[]', { length: 4 }),
      field: { type: 'array', of: { type: 'string', trim: true, length: 4 } },
    },
    {
      column: column('c', 'numeric[]'),
      field: null,
      says: /an array of numeric as null when an update left/,
    },
    { column: column('c', 'box[]'), field: null, says: /box\[\] has no field type yet/ },
    { column: column('c', 'constructor'), field: null, says: /constructor has no field type/ },
    {
      column: column('c', 'box', { nullable: false }),
      field: null,
      says: /NOT NULL without a default/,
    },
    { column: column('c', 'interval'), field: { type: 'interval' } },
    { column: column('c', 'money'), field: null, says: /large amounts/ },
    { column: column('c', 'bit', { length: 8 }), field: { type: 'bits', length: 8 } },
    { column: column('c', 'bit', { length: 129 }), field: null, says: /more than 128 bits/ },
    { column: column('c', 'bit varying', { length: 8 }), field: null, says: /zeros/ },
    {
      column: column('c', 'time with time zone', { precision: 3 }),
      field: { type: 'timetz', precision: 3 },
      says: /the zone is lost/,
    },
    { column: column('c', 'hstore'), field: { type: 'hstore' } },
    { column: column('c', 'xml'), field: { type: 'string' } },
    { column: column('c', 'XML'), field: null, kind: 'db2' },
    { column: column('c', 'tsrange'), field: { type: 'string' } },
    { column: column('c', 'tstzrange'), field: null, says: /time zone of whoever reads it/ },
    { column: column('c', 'CLOB'), field: null, kind: 'db2' },
  ];

  test.each(cases)('of $kind $column.type is $field', ({ column: one, field, kind = 'postgres', says }) => {
    const { text, plan } = draft(table('public.order', [id, one]), { kind });
    expect(plan.fields.c).toEqual(field === null ? undefined : { column: 'c', ...field });
    expect(plan.ignore).toEqual(field === null ? ['c'] : []);
    if (says !== undefined) expect(text).toMatch(says);
  });

  test('of any name is quoted where YAML would misread it, and has a field of its own', () => {
    const names = [
      'yes',
      'NULL',
      'a: b',
      '#x',
      '"',
      '1e3',
      "it's",
      'tab\there',
      'total',
      'to tal',
      'to_tal',
      '\u0085',
    ];
    const { plan } = draft(table('public.order', [id, ...names.map((name) => column(name, 'text'))]));
    const fields = Object.values(plan.fields) as readonly { column: string }[];
    expect(fields.map((field) => field.column)).toEqual(['order_id', ...names]);
    expect(Object.keys(plan.fields)).toEqual([
      'orderId',
      'yes',
      'null',
      'aB',
      'x',
      'field',
      'field1e3',
      'itS',
      'tabHere',
      'total',
      'toTal',
      'toTal2',
      'field2',
    ]);
  });
});

test('partitioned tables are drafted with a warning', () => {
  const day = [id, column('day', 'date')];
  const partitioned = { primaryKey: ['order_id', 'day'], partitions: [] };
  const child = table(
    'public.day',
    [column('order_id', 'bigint'), column('day', 'date'), column('n', 'integer')],
    {
      primaryKey: ['order_id', 'day', 'n'],
      partitions: [],
    },
  );
  const key = ['order_id', 'day'];
  const reference = { table: 'public.day', columns: key, references: 'public.order', referencedColumns: key };
  const { text, plan } = draft(table('public.order', day, { ...partitioned, referencedBy: [reference] }), {
    children: [child],
  });
  expect(Object.keys(plan.embed ?? {})).toEqual(['days']);
  expect(text.match(/# Partitioned: to attach/g)).toHaveLength(2);
});

describe('Db2', () => {
  test('takes a version column by its name', () => {
    const version = column('ROW_VERSION', 'BIGINT', { nullable: false });
    const { plan } = draft(
      table('PLANT.ARTICLE', [column('ARTICLE_NO', 'CHARACTER', { length: 10 }), version]),
      {
        kind: 'db2',
      },
    );
    expect(plan).toMatchObject({
      unit: 'articles',
      mode: 'RW',
      legacy: { version: { column: 'ROW_VERSION' }, key: ['ARTICLE_NO'] },
      topic: 'shop.PLANT.ARTICLE',
    });
  });

  test('is read only without one, and says how that could change', () => {
    const { plan, text } = draft(table('PLANT.ARTICLE', [column('ARTICLE_NO', 'INTEGER')]), { kind: 'db2' });
    expect(plan).toMatchObject({ mode: 'R', legacy: { version: 'lsn' } });
    expect(text).toMatch(/# Read only, for want of a NOT NULL column/);
  });
});

test('a table without a primary key is told apart by a unique key, and so are its children', () => {
  const keyless = { primaryKey: [], beforeImages: 'full' } as const;
  const root = table('public.order', [id, column('note', 'text')], {
    ...{ ...keyless, uniqueKeys: [['order_id']] },
    referencedBy: [
      {
        ...{ table: 'public.line', columns: ['order_id'] },
        ...{ references: 'public.order', referencedColumns: ['order_id'] },
      },
    ],
  });
  const line = table(
    'public.line',
    [id, column('n', 'integer', { nullable: false }), column('x', 'integer')],
    {
      ...keyless,
      uniqueKeys: [['x'], ['n', 'order_id']],
    },
  );
  const { plan, text } = draft(root, { children: [line] });
  expect(plan).toMatchObject({
    legacy: { key: ['order_id'] },
    embed: { lines: { parentKey: ['order_id'], key: ['n'] } },
  });
  expect(text).toMatch(/key: \[order_id\] # of a unique index: there is no primary key/);
  expect(() => draft({ ...root, beforeImages: 'primary-key' })).toThrow(/REPLICA IDENTITY FULL/);
});

test.each([
  {
    root: table('public.log', [column('a', 'text')], { primaryKey: [] }),
    says: /has no primary key.*add a primary key, or/,
  },
  {
    root: table('public.log', [column('a', 'bytea')]),
    says: /primary key column a of public.log is of type bytea/,
  },
  {
    root: table('public.log', [column('n', 'numeric', { precision: 40, scale: 2 })]),
    says: /column n of public.log is of type numeric.*decimals of up to 34 digits/,
  },
  {
    root: table('public.log', [column('n', 'numeric')]),
    says: /column n of the primary key is numeric without a scale.*declare its precision and scale/,
  },
  {
    root: table('public.log', [id], { beforeImages: 'none' }),
    says: /public.log cannot be a unit: .*NOTHING.*ALTER TABLE "public"."log" REPLICA IDENTITY DEFAULT/,
  },
  {
    root: table('public.log', [id], { beforeImages: 'other-index' }),
    says: /public.log cannot be a unit: .*USING INDEX/,
  },
  { root: table('public.a b', [id]), says: /the topic of public.a b would be "shop.public.a b"/ },
])('a table that cannot be a root is refused with advice', ({ root, says }) => {
  expect(() => draft(root)).toThrow(says);
});
