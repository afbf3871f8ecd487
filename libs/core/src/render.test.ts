import { describe, expect, it } from 'vitest';
import { ordersPlan } from '#testing/orders-plan';
import type { CanonicalDocument } from './document.ts';
import { compareDocuments } from './reconcile.ts';
import { keyOf, renderContent, renderDocument, sortRows } from './render.ts';

const lines = ordersPlan.embeds.find((embed) => embed.path === 'lines') ?? expect.fail('no lines');
const root = { region: 'EU', number: '9007199254740993', 'customer.name': 'Ann', amount: '1.50' };
const line = (lineNo: number, article = 'A') => ({ number: '1', lineNo, article, price: null });
const document: CanonicalDocument = { root, embeds: { lines: [line(1), line(2)], address: [] } };

describe('renderDocument', () => {
  it('puts members in the order of the plan, whatever the order of the content', () => {
    const shuffled = { ...document, root: Object.fromEntries(Object.entries(root).reverse()) };
    expect(JSON.stringify(renderDocument(ordersPlan, shuffled))).toBe(
      JSON.stringify(renderDocument(ordersPlan, document)),
    );
    const names = Object.keys(renderDocument(ordersPlan, document));
    const planned = ordersPlan.root.fields.map((field) => field.segments[0]);
    expect(names).toEqual([...new Set(planned), 'lines', 'address']);
  });

  it('leaves no member out: absent is null, in nested objects too', () => {
    const rendered = renderDocument(ordersPlan, { root: {}, embeds: {} });
    expect(rendered).toMatchObject({
      region: null,
      customer: { name: null, vip: null },
      lines: [],
      address: null,
    });
  });

  it('shows one sub-document as an object', () => {
    const address = { addressId: 1, street: 'Main', city: null };
    expect(renderDocument(ordersPlan, { root, embeds: { address: [address] } }).address).toEqual(address);
  });
});

describe('renderContent, keyOf and sortRows', () => {
  it('nests by path', () => {
    expect(
      renderContent(ordersPlan.root.fields.slice(2, 4), { 'customer.name': 'Ann', 'customer.vip': true }),
    ).toEqual({
      customer: { name: 'Ann', vip: true },
    });
    expect(keyOf(ordersPlan.root.fields.slice(0, 2), root)).toEqual(['EU', '9007199254740993']);
  });

  it('sorts embedded rows by their key as a number, and leaves what it was given alone', () => {
    const given = [line(10), line(9), line(-1)];
    expect(sortRows(lines, given).map((row) => row.lineNo)).toEqual([-1, 9, 10]);
    expect(given.map((row) => row.lineNo)).toEqual([10, 9, -1]);
  });
});

interface Case {
  readonly what: string;
  readonly mongodb: CanonicalDocument;
  readonly fields: readonly string[] | null;
}

const cases: readonly Case[] = [
  { what: 'equal documents', mongodb: structuredClone(document), fields: null },
  { what: 'null for absent', mongodb: { ...document, root: { ...root, note: null } }, fields: null },
  { what: 'a field', mongodb: { ...document, root: { ...root, amount: '1.5' } }, fields: ['/amount'] },
  {
    what: 'a nested field',
    mongodb: { ...document, root: { ...root, 'customer.name': 'Bob' } },
    fields: ['/customer/name'],
  },
  { what: 'a type', mongodb: { ...document, root: { ...root, number: 1 } }, fields: ['/number'] },
  { what: 'a row less', mongodb: { ...document, embeds: { lines: [line(1)] } }, fields: ['/lines/1'] },
  {
    what: 'a row more',
    mongodb: { ...document, embeds: { lines: [line(1), line(2), line(3)] } },
    fields: ['/lines/2'],
  },
  {
    what: 'a row of other content',
    mongodb: { ...document, embeds: { lines: [line(1), line(2, 'B')] } },
    fields: ['/lines/1/article'],
  },
  {
    what: 'a sub-document more',
    mongodb: { ...document, embeds: { ...document.embeds, address: [{ addressId: 1 }] } },
    fields: ['/address'],
  },
];

describe('a document with a value that cannot be read', () => {
  it('is not shown', () => {
    const unreadable = [{ pointer: '/amount', reason: 'row 7, column amount: NaN is not legal' }];
    expect(() => renderDocument(ordersPlan, { ...document, unreadable })).toThrow(
      expect.objectContaining({
        code: 'value_invalid',
        message: 'row 7, column amount: NaN is not legal',
        faults: [{ pointer: '/amount', message: 'row 7, column amount: NaN is not legal' }],
      }),
    );
  });
});

describe('compareDocuments', () => {
  it.each(cases)('$what', ({ mongodb, fields }) => {
    const difference = compareDocuments(ordersPlan, 'EU,1', document, mongodb);
    expect(difference).toEqual(fields === null ? null : { key: 'EU,1', kind: 'different', fields });
  });

  it('takes what cannot be read in legacy for different, each member once', () => {
    const unreadable = ['/lines', '/amount', '/lines'].map((pointer) => ({ pointer, reason: 'r' }));
    const difference = compareDocuments(ordersPlan, 'k', { ...document, unreadable }, document);
    expect(difference).toEqual({ key: 'k', kind: 'different', fields: ['/lines', '/amount'] });
  });

  it('names the side where it is missing', () => {
    expect(compareDocuments(ordersPlan, 'k', document, null)).toEqual({
      key: 'k',
      kind: 'missing',
      fields: [],
    });
    expect(compareDocuments(ordersPlan, 'k', null, document)).toEqual({
      key: 'k',
      kind: 'extra',
      fields: [],
    });
    expect(compareDocuments(ordersPlan, 'k', null, null)).toBeNull();
  });
});
