import { describe, expect, it } from 'vitest';
import { typeMembers } from '#core/draft-type';
import { EVERY_TYPE } from '#testing/every-type';
import { changedOrders } from '#testing/orders-file';
import { parsePlans } from './plan-file.ts';

/** A plan whose field `amount`, in line 13, is of this type. */
function parse(members: string) {
  const text = changedOrders('type: decimal, precision: 12, scale: 2', members);
  return parsePlans([{ file: 'orders.yaml', text }]);
}

interface Case {
  readonly what: string;
  readonly members: string;
  readonly fault: readonly [pointer: string, value: string, message: RegExp];
}

const cases: readonly Case[] = [
  {
    what: 'an array of what Debezium cannot tell from null',
    members: 'type: array, of: boolean',
    fault: ['/of', '"boolean"', /legal are "date"\|"int"/],
  },
  {
    what: 'an array of nobody knows what',
    members: 'type: array',
    fault: ['/of', '(missing)', /must be given/],
  },
  {
    what: 'an array whose element has a member of another type',
    members: 'type: array, of: { type: int, trim: true }',
    fault: ['/of/trim', 'true', /does not go with type int/],
  },
  {
    what: 'an array whose element has a member that nobody knows',
    members: 'type: array, of: { type: int, size: 3 }',
    fault: ['/of/size', '3', /unknown member/],
  },
  { what: 'bits without a length', members: 'type: bits', fault: ['/length', '(missing)', /must be given/] },
  {
    what: 'more bits than come through whole',
    members: 'type: bits, length: 129',
    fault: ['/length', '129', /at most 128/],
  },
];

describe('a field', () => {
  it.each(EVERY_TYPE)('of %j is read as a draft writes it', (type) => {
    const members = typeMembers(type).map(([name, value]) => `${name}: ${value}`);
    const { plans, faults } = parse(members.join(', '));
    expect(faults).toEqual([]);
    expect(plans[0]?.root.fields.find(({ path }) => path === 'amount')?.type).toEqual(type);
  });

  it.each(cases)('names $what', ({ members, fault: [pointer, value, message] }) => {
    expect(parse(members).faults).toEqual([
      expect.objectContaining({
        line: 13,
        pointer: `/fields/amount${pointer}`,
        value,
        message: expect.stringMatching(message),
      }),
    ]);
  });
});
