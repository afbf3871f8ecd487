import { describe, expect, it } from 'vitest';
import { ordersPlan } from '#testing/orders-plan';
import type { Plan } from './plan.ts';
import { planChange, planClashes } from './plan-change.ts';

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
