import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';

interface Case {
  readonly wanted: string;
  readonly names: readonly string[];
  readonly best: string;
}

const cases: readonly Case[] = [
  { wanted: 'public.order', names: ['public.item', 'public.orders', 'sales.order'], best: 'public.orders' },
  { wanted: 'orders', names: ['public.item', 'public.orders', 'public.other'], best: 'public.orders' },
  { wanted: 'SALES.ORDRE', names: ['sales.orders', 'sales.order', 'x.y'], best: 'sales.order' },
];

test.each(cases)('$wanted is nearest to $best', ({ wanted, names, best }) => {
  expect(nearest(wanted, names)[0]).toBe(best);
});

test('answers at most the asked number, in a fixed order', () => {
  expect(nearest('x', ['c', 'b', 'a'], 2)).toEqual(['a', 'b']);
  expect(nearest('x', [])).toEqual([]);
});
