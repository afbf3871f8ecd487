import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareCodePoints } from './code-points.ts';
import type { DocumentKey } from './document.ts';
import { FicusError } from './errors.ts';
import type { CanonicalValue, FieldType } from './field-type.ts';
import { compareKeys, compareValues, keyText, parseKey } from './key.ts';
import type { Field } from './plan.ts';

function fieldOf(type: FieldType, index: number): Field {
  const path = `k${index}`;
  return { path, segments: [path], column: path, type, required: true, readOnly: false };
}

const TEXT: FieldType = { kind: 'string', trim: false, length: null };
const LONG: FieldType = { kind: 'long' };
const INT: FieldType = { kind: 'int' };
const DATE: FieldType = { kind: 'date' };
const AMOUNT: FieldType = { kind: 'decimal', precision: 8, scale: 2 };
const STAMP: FieldType = { kind: 'timestamptz', precision: 6 };

interface Case {
  readonly types: readonly FieldType[];
  readonly key: DocumentKey;
  readonly text: string;
}

const cases: readonly Case[] = [
  { types: [TEXT], key: ['a/b,c d'], text: 'a%2Fb%2Cc%20d' },
  { types: [TEXT], key: [''], text: '' },
  { types: [TEXT], key: ['null'], text: 'null' },
  { types: [TEXT], key: ['100%'], text: '100%25' },
  { types: [TEXT, TEXT], key: ['', ''], text: ',' },
  {
    types: [TEXT, LONG],
    key: ['ü😀', '-9223372036854775808'],
    text: '%C3%BC%F0%9F%98%80,-9223372036854775808',
  },
  { types: [INT], key: [-5], text: '-5' },
  { types: [DATE, AMOUNT], key: ['2024-02-29', '-0.50'], text: '2024-02-29,-0.50' },
  { types: [STAMP], key: ['2024-02-29T12:34:56.000001Z'], text: '2024-02-29T12%3A34%3A56.000001Z' },
];

describe('keyText and parseKey', () => {
  it.each(cases)('$key <-> $text', ({ types, key, text }) => {
    expect(keyText(key)).toBe(text);
    expect(parseKey(text, types.map(fieldOf))).toEqual(key);
  });

  it.each([
    { types: [TEXT], text: 'a,b', says: /2 components; it must have 1: k0/ },
    { types: [TEXT, TEXT], text: 'a', says: /1 components/ },
    { types: [TEXT], text: '%E0%A4%A', says: /not percent-encoded/ },
    { types: [TEXT], text: '%00', says: /component k0/ },
    { types: [LONG], text: '9223372036854775808', says: /component k0/ },
    { types: [INT], text: 'x', says: /component k0: "x"/ },
    { types: [INT], text: '', says: /component k0/ },
    { types: [TEXT, DATE], text: 'a,2024-02-30', says: /component k1/ },
  ])('refuses "$text"', ({ types, text, says }) => {
    expect(() => parseKey(text, types.map(fieldOf))).toThrow(says);
    expect(() => parseKey(text, types.map(fieldOf))).toThrow(FicusError);
  });

  it('comes back from any text and any 64-bit number, and two keys never share a text', () => {
    const key = fc.tuple(
      fc.string({ unit: 'grapheme' }).filter((one) => !one.includes('\u0000')),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    );
    const fields = [TEXT, LONG].map(fieldOf);
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(parseKey(keyText(a), fields)).toEqual(a);
        expect(keyText(a) === keyText(b)).toBe(a[0] === b[0] && a[1] === b[1]);
      }),
    );
  });
});

describe('compareCodePoints', () => {
  it('is the order of UTF-8 bytes', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', 'Z', 'é', '\ud7ff', '\ue000', '\uffff', '\u{10000}', '😀', '\u{10ffff}'),
    });
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(compareCodePoints(a, b)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('holds for any two strings', () => {
    const point = fc.integer({ min: 0, max: 0x10ffff }).filter((one) => one < 0xd800 || one > 0xdfff);
    const text = fc.array(point, { maxLength: 6 }).map((points) => String.fromCodePoint(...points));
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(compareCodePoints(a, b)).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
      }),
    );
  });
});

/** Ascending. */
const orders: readonly { type: FieldType; values: readonly CanonicalValue[] }[] = [
  {
    type: LONG,
    values: [null, '-9223372036854775808', '-10', '-9', '9', '10', '9007199254740992', '9007199254740993'],
  },
  { type: AMOUNT, values: [null, '-10.00', '-0.50', '-0.05', '0.00', '0.05', '9.99', '10.00'] },
  {
    type: { kind: 'decimal', precision: null, scale: null },
    values: ['-1.25', '-1.2', '0.0001', '0.1', '1', '12345678901234567890.1'],
  },
  { type: { kind: 'double' }, values: [null, 'NaN', '-Infinity', -1.5, 0, 5e-324, 1e300, 'Infinity'] },
  { type: { kind: 'boolean' }, values: [null, false, true] },
  { type: INT, values: [null, -10, -9, 9, 10] },
  { type: TEXT, values: [null, '', 'A', 'Z', 'a', 'aa', 'é', '\uffff', '😀'] },
  { type: DATE, values: [null, '0001-01-01', '1999-12-31', '2000-01-01'] },
];

describe('compareValues', () => {
  it.each(orders)('$type.kind: $values', ({ type, values }) => {
    for (const [i, a] of values.entries())
      for (const [j, b] of values.entries()) expect(compareValues(a, b, type)).toBe(Math.sign(i - j));
  });

  it('takes decimals of other scales for equal when their value is', () => {
    const free: FieldType = { kind: 'decimal', precision: null, scale: null };
    expect(compareValues('1.5', '1.500', free)).toBe(0);
  });
});

describe('compareKeys', () => {
  it('goes component by component', () => {
    const types = [TEXT, LONG];
    expect(compareKeys(['a', '10'], ['a', '9'], types)).toBe(1);
    expect(compareKeys(['a', '10'], ['b', '9'], types)).toBe(-1);
    expect(compareKeys(['a', '1'], ['a', '1'], types)).toBe(0);
  });
});
