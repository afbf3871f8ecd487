import { expect, test } from 'vitest';
import type { Content } from '#core/field-type';
import { ordersShape } from '#testing/orders-shape';
import { suspects } from './suspects.ts';

interface Case {
  readonly what: string;
  readonly root?: Content;
  readonly lines?: readonly Content[];
  readonly message?: string;
  readonly found: readonly string[];
}

const NAME = 'public.orders.customer_name character varying(40)';
const cases: readonly Case[] = [
  { what: 'a length that fits', root: { 'customer.name': `${'😀'.repeat(40)}  ` }, found: [] },
  { what: 'a length', root: { 'customer.name': 'x'.repeat(41) }, found: [NAME] },
  { what: 'digits that fit', root: { amount: '-0009999999999.99' }, found: [] },
  { what: 'digits', root: { amount: '10000000000.00' }, found: ['public.orders.amount numeric(12,2)'] },
  { what: 'a range that fits', root: { pieces: -32_768 }, found: [] },
  { what: 'a range', root: { pieces: 32_768 }, found: ['public.orders.pieces smallint'] },
  {
    what: 'rows of an array, named once',
    lines: [{ article: 'x'.repeat(11) }, { article: 'y'.repeat(11) }],
    found: ['public.order_line.article character(10)'],
  },
  {
    what: 'a value that the server quotes',
    root: { 'customer.name': 'mauve', note: null },
    message: 'invalid input value for enum colour: "mauve"',
    found: [NAME],
  },
];

test.each(cases)('$what', ({ root = {}, lines = [], message = '', found }) => {
  expect(suspects(ordersShape(), { root, embeds: { lines } }, message)).toEqual(found);
});
