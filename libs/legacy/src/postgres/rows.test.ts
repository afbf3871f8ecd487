import { describe, expect, test } from 'vitest';
import { ordersShape } from '#testing/orders-shape';
import { readDocument } from './rows.ts';

const shape = ordersShape();
const width = shape.plan.root.fields.length;

function row(cells: Readonly<Record<string, string>>, lines: string | null = null): (string | null)[] {
  const own = shape.plan.root.fields.map((field) => cells[field.path] ?? null);
  return [...own, '12(0,1)', lines, null];
}

describe('a row', () => {
  test('becomes a document, its embedded rows sorted by their key', () => {
    const lines = JSON.stringify([
      ['7', '10', 'gear', null, '3(0,2)'],
      ['7', '9', 'bolt ', '1.50', '3(0,1)'],
    ]);
    const { document, mark } = readDocument(shape, row({ region: 'EU', number: '7', amount: '1.5' }, lines));
    expect(document.root).toMatchObject({ region: 'EU', number: '7', amount: '1.50', note: null });
    expect(Object.keys(document.root)).toHaveLength(width);
    expect(document.embeds).toEqual({
      lines: [
        { number: '7', lineNo: 9, article: 'bolt', price: '1.50' },
        { number: '7', lineNo: 10, article: 'gear', price: null },
      ],
      address: [],
    });
    expect(mark).toBe('12(0,1) lines:3(0,1) lines:3(0,2)');
  });

  test('with a value that has no canonical form lacks the member, and says why', () => {
    const lines = JSON.stringify([['7', '10', 'gear', 'NaN', '3(0,2)']]);
    const { document } = readDocument(shape, row({ region: 'EU', number: '7', amount: 'NaN' }, lines));
    expect(document.root).not.toHaveProperty('amount');
    expect(document.embeds['lines']).toEqual([{ number: '7', lineNo: 10, article: 'gear' }]);
    expect(document.unreadable).toEqual([
      {
        pointer: '/amount',
        reason: expect.stringMatching(
          /^public.orders, row region=EU, number=7, column amount: "NaN" is not legal here/,
        ),
      },
      { pointer: '/lines', reason: expect.stringContaining('column price: "NaN" is not legal here') },
    ]);
  });

  test('whose key has no canonical form is nobody', () => {
    expect(() => readDocument(shape, row({ region: 'EU', number: 'x' }))).toThrow(
      /^public.orders, row region=EU, number=x, column number: "x" is not legal here/,
    );
  });
});
