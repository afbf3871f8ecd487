import { describe, expect, it } from 'vitest';
import { ordersPlan } from '#testing/orders-plan';
import type { Plan } from './plan.ts';
import { joinShapes, pathShapes, planChange, planClashes } from './plan-change.ts';

const [firstField] = ordersPlan.root.fields;
const [embed] = ordersPlan.embeds;
if (firstField === undefined || embed === undefined)
  throw new Error('the orders plan has fields and an embed');
const added = { ...firstField, path: 'extra', segments: ['extra'], column: 'extra' };

interface Case {
  readonly what: string;
  readonly next: Plan;
  readonly refused: readonly string[];
  readonly snapshot: readonly string[];
}

const cases: readonly Case[] = [
  { what: 'nothing', next: ordersPlan, refused: [], snapshot: [] },
  {
    what: 'a level',
    next: { ...ordersPlan, levels: { ...ordersPlan.levels, lagMs: 1 } },
    refused: [],
    snapshot: [],
  },
  {
    what: 'one more field',
    next: { ...ordersPlan, root: { ...ordersPlan.root, fields: [...ordersPlan.root.fields, added] } },
    refused: [],
    snapshot: [ordersPlan.root.table],
  },
  {
    what: 'one more field of an embedded table',
    next: { ...ordersPlan, embeds: [{ ...embed, fields: [...embed.fields, added] }] },
    refused: [],
    snapshot: [embed.table],
  },
  {
    what: 'the collection',
    next: { ...ordersPlan, collection: 'other' },
    refused: ['collection'],
    snapshot: [],
  },
  {
    what: 'the version',
    next: { ...ordersPlan, version: { kind: 'column', column: 'row_version' } },
    refused: ['legacy.version'],
    snapshot: [],
  },
  {
    what: "an embedded table's key",
    next: { ...ordersPlan, embeds: [{ ...embed, key: [...embed.key, 'other'] }] },
    refused: [`embed.${embed.path}.key`],
    snapshot: [],
  },
  {
    what: 'the name of a field of a composite key',
    next: {
      ...ordersPlan,
      root: {
        ...ordersPlan.root,
        fields: ordersPlan.root.fields.map((one) =>
          one === firstField ? { ...one, path: 'area', segments: ['area'] } : one,
        ),
      },
    },
    refused: ['the fields of legacy.key'],
    snapshot: [ordersPlan.root.table],
  },
  {
    what: 'the type of a key field',
    next: {
      ...ordersPlan,
      root: {
        ...ordersPlan.root,
        fields: ordersPlan.root.fields.map((one) =>
          one === firstField ? { ...one, type: { kind: 'string', trim: false, length: 4 } } : one,
        ),
      },
    },
    refused: ['the fields of legacy.key'],
    snapshot: [ordersPlan.root.table],
  },
  {
    what: "the name of an embedded table's key field",
    next: {
      ...ordersPlan,
      embeds: [
        {
          ...embed,
          fields: embed.fields.map((one) =>
            one.column === embed.key[0] ? { ...one, path: 'line', segments: ['line'] } : one,
          ),
        },
      ],
    },
    refused: [`the fields of embed.${embed.path}.key`],
    snapshot: [embed.table],
  },
  {
    what: 'a value into an object',
    next: {
      ...ordersPlan,
      root: {
        ...ordersPlan.root,
        fields: ordersPlan.root.fields.map((one) =>
          one.path === 'note' ? { ...one, path: 'note.text', segments: ['note', 'text'] } : one,
        ),
      },
    },
    refused: ['the path note.text (documents have a value at note)'],
    snapshot: [ordersPlan.root.table],
  },
];

describe('a change of', () => {
  it.each(cases)('$what', ({ next, refused, snapshot }) => {
    expect(planChange(ordersPlan, next)).toEqual({ refused, snapshot });
  });
});

describe('plans of one estate', () => {
  it('may not share a collection or a table', () => {
    expect(planClashes([ordersPlan])).toEqual([]);
    expect(planClashes([ordersPlan, { ...ordersPlan, unit: 'twin' }])).toContain(
      `collection ${ordersPlan.collection} is claimed by ${ordersPlan.unit} and twin`,
    );
  });
});

describe('what earlier plans have left in the documents', () => {
  it('stands against a path that comes back in another shape', () => {
    const without: Plan = { ...ordersPlan, embeds: ordersPlan.embeds.slice(1) };
    const shapes = joinShapes(pathShapes(ordersPlan), without);
    expect(planChange(without, ordersPlan, shapes).refused).toEqual([]);
    const moved: Plan = { ...ordersPlan, embeds: [{ ...embed, table: 'public.other' }] };
    expect(planChange(without, moved, shapes).refused).toEqual([
      `the path ${embed.path} (documents have an embedded table at ${embed.path})`,
    ]);
    const valued: Plan = {
      ...without,
      root: { ...without.root, fields: [...without.root.fields, { ...added, path: embed.path }] },
    };
    expect(planChange(without, valued, shapes).refused).toEqual([
      `the path ${embed.path} (documents have an embedded table at ${embed.path})`,
    ]);
  });
});
