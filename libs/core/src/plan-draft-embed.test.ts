import { describe, expect, test } from 'vitest';
import { column, draft, id, table } from '#testing/drafts';
import type { CatalogueTable } from './ports/catalogue.ts';

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
