import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ordersPlan } from '#testing/orders-plan';
import { type CursorScope, cursorAfter, parseCursor, printCursor } from './cursor.ts';
import { FicusError } from './errors.ts';
import { parseListRequest } from './query-parse.ts';

function scopeOf(sort: string, unit = 'orders'): CursorScope {
  return { unit, sort: parseListRequest(ordersPlan, [['sort', sort]]).sort };
}

const scope = scopeOf('-amount,customer.name');
const cursor = { store: 'mongodb', values: ['12.50', null, 'EU', '7'] } as const;

describe('cursor', () => {
  it('holds the sort values of the last document', () => {
    const root = { region: 'EU', number: '7', amount: '12.50', 'customer.name': null };
    expect(cursorAfter({ root, embeds: {} }, 'mongodb', scope.sort)).toEqual(cursor);
  });

  it('survives its text, whatever the values', () => {
    const text = fc
      .string({ unit: 'binary', maxLength: 40 })
      .map((value) => value.replaceAll('\u0000', '').trimEnd());
    const values = fc.tuple(
      fc.nat().map((cents) => `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`),
      fc.option(text),
      fc.constantFrom('EU', 'ÄÖ', '東京', '😀'),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    );
    fc.assert(
      fc.property(values, fc.constantFrom('legacy', 'mongodb'), (drawn, store) => {
        const printed = printCursor({ store, values: drawn }, scope);
        expect(printed).toMatch(/^[A-Za-z0-9_-]+$/);
        expect(parseCursor(printed, scope)).toEqual({ store, values: drawn });
      }),
    );
  });

  interface Case {
    readonly why: string;
    readonly text: string;
    readonly within?: CursorScope;
    readonly says: string;
  }
  const encoded = (parts: unknown): string => btoa(JSON.stringify(parts)).replaceAll('=', '');
  const sort = '-amount,customer.name,region,number';
  const cases: readonly Case[] = [
    { why: 'no base64', text: '§', says: 'damaged' },
    { why: 'no JSON', text: btoa('{'), says: 'damaged' },
    { why: 'no array', text: encoded({}), says: 'damaged' },
    { why: 'another version', text: encoded([2, 'legacy']), says: 'this version' },
    {
      why: 'another unit',
      text: printCursor(cursor, { ...scope, unit: 'bills' }),
      says: 'of unit bills, not of orders',
    },
    {
      why: 'another order',
      text: printCursor(cursor, scope),
      within: scopeOf('amount'),
      says: 'keep the sort parameter',
    },
    {
      why: 'a value too few',
      text: encoded([1, 'legacy', 'orders', sort, '1.00', null, 'EU']),
      says: '3 values for 4',
    },
    {
      why: 'a value of another type',
      text: encoded([1, 'legacy', 'orders', sort, true, null, 'EU', '7']),
      says: 'amount: true is not legal',
    },
  ];
  it.each(cases)('refuses $why', ({ text, within, says }) => {
    const parse = (): unknown => parseCursor(text, within ?? scope);
    expect(parse).toThrow(FicusError);
    expect(parse).toThrow(says);
  });
});
