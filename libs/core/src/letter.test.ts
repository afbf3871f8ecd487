import { describe, expect, it } from 'vitest';
import { causeOf, rowName } from './letter.ts';

const wire = (row: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(row).map(([name, value]) => [name, { value, schema: null }]));

describe('rowName', () => {
  it('is the same for equal keys, whatever the order of their columns and the type of their numbers', () => {
    const name = rowName('t', wire({ a: 1, b: 'x' }));
    expect(rowName('t', wire({ b: 'x', a: 1n }))).toBe(name);
    expect(rowName('t', wire({ b: 'x', a: '1' }))).toBe(name);
  });
  it.each([
    [rowName('t', wire({ a: 1, b: 2 })), rowName('t', wire({ a: 12 }))],
    [rowName('t', wire({ a: 'x","y' })), rowName('t', wire({ a: 'x', y: '' }))],
    [rowName('t', wire({ a: 1 })), rowName('u', wire({ a: 1 }))],
    [rowName('t', 'AAAA'), rowName('t', 'AAAB')],
  ])('tells %s from %s', (a, b) => expect(a).not.toBe(b));
  it('is none without a key', () => expect(rowName('t', null)).toBeNull());
});

describe('causeOf', () => {
  it.each([
    ['column a of s.t: "12.345" is not legal here', 'column a of s.t: "9" is not legal here'],
    ['timestamp 9223372036825200000 µs is not legal', 'timestamp -9223372036832400000 µs is not legal'],
    ['offset 7 of partition 1', 'offset 12 of partition 3'],
    ['no date: 2026-01-01T00:00:00Z', 'no date: 1999-12-31T23:59:59Z'],
    ['"a \\" b" is bad', '"c" is bad'],
  ])('is one for %s and %s', (a, b) => expect(causeOf(a)).toBe(causeOf(b)));
  it('keeps what tells causes apart', () => {
    expect(causeOf('column a of s.t: "1" is bad')).not.toBe(causeOf('column b of s.t: "1" is bad'));
    expect(causeOf('x'.repeat(1_000))).toHaveLength(300);
  });
});
