import { describe, expect, it } from 'vitest';
import { isMet, median, missed, quantile, table, verdicts } from './figures.ts';

describe('median', () => {
  it.each([
    { values: [3], expected: 3 },
    { values: [5, 1, 3], expected: 3 },
    { values: [10, 1, 3, 2], expected: 2.5 },
    { values: [], expected: Number.NaN },
  ])('of $values is $expected', ({ values, expected }) => expect(median(values)).toBe(expected));
});

describe('quantile', () => {
  const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
  it.each([
    { share: 0.5, expected: 50 },
    { share: 0.99, expected: 99 },
    { share: 1, expected: 100 },
    { share: 0, expected: 1 },
  ])('$share of 1 to 100 is $expected', ({ share, expected }) =>
    expect(quantile(hundred, share)).toBe(expected),
  );
});

describe('demands', () => {
  const atLeast = { what: 'rate', value: 0.9, limit: 1, sense: 'at least' } as const;
  const atMost = { what: 'lag', value: 20, limit: 35, sense: 'at most', unit: ' ms' } as const;
  it('are met on their side of the limit', () => {
    expect([isMet(atLeast), isMet({ ...atLeast, value: 1 }), isMet(atMost)]).toEqual([false, true, true]);
  });
  it('are missed only by what is required and was measured', () => {
    const aim = { ...atLeast, isAim: true };
    const unknown = { ...atLeast, value: Number.NaN };
    expect(missed([atLeast, aim, unknown, atMost])).toEqual([atLeast]);
  });
  it('stand one a line', () => {
    expect(verdicts([atLeast, { ...atMost, isAim: true }])).toBe(
      'required  rate      0.90     at least 1   NO\naim       lag   20.00 ms  at most 35 ms  yes',
    );
  });
});

it('a table keeps its columns', () => {
  expect(
    table([
      ['', 'a'],
      ['long', '1,000'],
      ['x', '5'],
    ]),
  ).toBe('          a\nlong  1,000\nx         5');
});
