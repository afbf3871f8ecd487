import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type DraftRequest, renderDraft } from './plan-draft.ts';
import type { CatalogueColumn, CatalogueTable } from './ports/catalogue.ts';

function column(name: string, type: string, given: Partial<CatalogueColumn> = {}): CatalogueColumn {
  const plain = {
    length: null,
    precision: null,
    scale: null,
    nullable: true,
    hasDefault: false,
    generated: null,
    inLog: true,
  };
  return { name, type, ...plain, ...given };
}

function table(
  name: string,
  columns: readonly CatalogueColumn[],
  given: Partial<CatalogueTable> = {},
): CatalogueTable {
  const [first] = columns;
  return {
    table: name,
    columns,
    primaryKey: first === undefined ? [] : [first.name],
    referencedBy: [],
    beforeImages: 'primary-key',
    partitions: null,
    traits: [],
    comment: null,
    ...given,
  };
}

function draft(root: CatalogueTable, given: Partial<DraftRequest> = {}): { text: string; plan: Plan } {
  const request = {
    root,
    children: [],
    kind: 'postgres',
    system: 'shop',
    topicPrefix: 'shop',
    owner: 'team',
    unit: null,
  };
  const text = renderDraft({ ...request, ...given } as DraftRequest);
  return { text, plan: parse(text) as Plan };
}

interface Plan {
  readonly [member: string]: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly ignore: readonly string[];
  readonly embed?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const id = column('order_id', 'bigint', { nullable: false });

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
    reconcile: { schedule: '0 3 * * *', maxRowsPerSecond: 2000, repair: 'log-only', allowEmpty: false },
    levels: { lag: '5s', driftPpm: 0, verified: '24h' },
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
      field: { type: 'decimal' },
      says: /more than 34 digits/,
    },
    { column: column('c', 'numeric', { precision: 3, scale: -2 }), field: { type: 'decimal' } },
    { column: column('c', 'DECFLOAT'), field: { type: 'decimal' }, kind: 'db2', says: /NaN and infinity/ },
    { column: column('c', 'real'), field: { type: 'double' } },
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
    { column: column('c', 'text[]'), field: null, says: /text\[\] has no field type yet/ },
    { column: column('c', 'constructor'), field: null, says: /constructor has no field type/ },
    {
      column: column('c', 'int4range', { nullable: false }),
      field: null,
      says: /NOT NULL without a default/,
    },
    { column: column('c', 'interval'), field: null },
    { column: column('c', 'money'), field: null },
    { column: column('c', 'bit'), field: null },
    { column: column('c', 'time with time zone'), field: null },
    { column: column('c', 'xml'), field: null },
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

describe('a child', () => {
  const line = (
    name: string,
    columns: readonly string[],
    given: Partial<CatalogueTable> = {},
  ): CatalogueTable =>
    table(
      name,
      ['order_id', 'line_no', 'note'].map((one) =>
        column(one, one === 'note' ? 'text' : 'integer', { nullable: false }),
      ),
      { primaryKey: columns, ...given },
    );
  const reference = (name: string, columns = ['order_id'], referencedColumns = ['order_id']) => ({
    table: name,
    columns,
    references: 'public.order',
    referencedColumns,
  });
  const root = (...references: CatalogueTable['referencedBy']): CatalogueTable =>
    table('public.order', [id, column('lines', 'text')], { referencedBy: references });

  test('whose key extends the root is embedded under a name of its own', () => {
    const { plan } = draft(root(reference('public.order_line')), {
      children: [line('public.order_line', ['order_id', 'line_no'])],
    });
    expect(plan.embed).toEqual({
      lines2: {
        table: 'public.order_line',
        parentKey: ['order_id'],
        key: ['line_no'],
        cardinality: 'many',
        fields: {
          lineNo: { column: 'line_no', type: 'int', required: true },
          note: { column: 'note', type: 'string', required: true },
        },
        ignore: [],
      },
    });
  });

  test('of a composite key names the parent columns in the order of the root', () => {
    const parent = table('public.order', [column('a', 'integer'), column('b', 'integer')], {
      primaryKey: ['a', 'b'],
      referencedBy: [reference('public.x', ['x_b', 'x_a'], ['b', 'a'])],
    });
    const child = table(
      'public.x',
      [column('x_b', 'integer'), column('x_a', 'integer'), column('n', 'integer')],
      {
        primaryKey: ['x_a', 'x_b', 'n'],
      },
    );
    const { plan } = draft(parent, { children: [child] });
    expect(plan.embed?.xs).toMatchObject({ parentKey: ['x_a', 'x_b'], key: ['n'] });
  });

  interface Case {
    readonly what: string;
    readonly child: CatalogueTable;
    readonly references: CatalogueTable['referencedBy'];
    readonly says: string;
  }
  const cases: readonly Case[] = [
    {
      what: 'with a key of its own',
      child: line('public.note', ['note']),
      references: [reference('public.note')],
      says: '# not embedded: public.note, since its foreign key (order_id) is no part of its primary key',
    },
    {
      what: 'with the same key',
      child: line('public.twin', ['order_id']),
      references: [reference('public.twin')],
      says: '# not embedded: public.twin, since its primary key is the foreign key (order_id): make it a unit of its own',
    },
    {
      what: 'that points at something else',
      child: line('public.l', ['order_id', 'line_no']),
      references: [reference('public.l', ['line_no'], ['number'])],
      says: '# not embedded: public.l, since its foreign key (line_no) is not on the primary key',
    },
    {
      what: 'without a primary key',
      child: line('public.l', []),
      references: [reference('public.l')],
      says: '# not embedded: public.l, since the table has no primary key',
    },
    {
      what: 'without a replica identity',
      child: line('public.l', ['order_id', 'line_no'], { beforeImages: 'none' }),
      references: [reference('public.l')],
      says: '# not embedded: public.l, since the table has REPLICA IDENTITY NOTHING',
    },
    {
      what: 'with a key that is longer than MongoDB holds',
      child: table(
        'public.l',
        [column('order_id', 'bigint'), column('n', 'numeric', { precision: 40, scale: 0 })],
        {
          primaryKey: ['order_id', 'n'],
        },
      ),
      references: [reference('public.l')],
      says: '# not embedded: public.l, since the type of n cannot be part of a key',
    },
    {
      what: 'that is the root',
      child: root(),
      references: [reference('public.order')],
      says: '# not embedded: public.order, since a row cannot be embedded',
    },
  ];

  test.each(cases)('$what is left out with the reason', ({ child, references, says }) => {
    const { text, plan } = draft(root(...references), { children: [child] });
    expect(plan.embed).toBeUndefined();
    expect(text).toContain(says);
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
    expect(text).toMatch(/# Read only, for want of a BIGINT column/);
  });
});

test.each([
  {
    root: table('public.log', [column('a', 'text')], { primaryKey: [] }),
    says: /has no primary key.*add one/,
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
