import { expect, test } from 'vitest';
import { camelCase, kebabCase, plural, uniqueIn } from './draft-name.ts';

interface Case {
  readonly name: string;
  readonly camel: string;
  readonly kebab: string;
}

const cases: readonly Case[] = [
  { name: 'invoice_id', camel: 'invoiceId', kebab: 'invoice-id' },
  { name: 'INVOICE_ID', camel: 'invoiceId', kebab: 'invoice-id' },
  { name: 'InvoiceId', camel: 'invoiceId', kebab: 'invoice-id' },
  { name: 'alreadyCamel_case', camel: 'alreadyCamelCase', kebab: 'already-camel-case' },
  { name: '_id', camel: 'id', kebab: 'id' },
  { name: 'a$b#c d', camel: 'aBCD', kebab: 'a-b-c-d' },
  { name: 'Größe', camel: 'groE', kebab: 'gro-e' },
  { name: '2nd_name', camel: 'field2ndName', kebab: 'field2nd-name' },
  { name: '数量', camel: 'field', kebab: 'field' },
];

test.each(cases)('$name is $camel and $kebab', ({ name, camel, kebab }) => {
  expect(camelCase(name)).toBe(camel);
  expect(kebabCase(name)).toBe(kebab);
});

test.each([
  ['invoice', 'invoices'],
  ['entry', 'entries'],
  ['day', 'days'],
  ['orders', 'orders'],
])('one %s, two %s', (one, two) => expect(plural(one)).toBe(two));

test.each(['constructor', 'toString', 'value_of'])('%s does not become a name of every object', (name) => {
  expect(camelCase(name)).toMatch(/Field$/);
});

test('a name that is taken gets a number', () => {
  const taken = new Set<string>();
  expect(['a', 'a', 'b', 'a'].map((name) => uniqueIn(taken, name))).toEqual(['a', 'a2', 'b', 'a3']);
});
