import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { parseLossless } from './json.ts';

/** Any JSON whose integers may be of 64 bits (and more). */
const json = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).filter((one) => !Number.isInteger(one)),
    fc.bigInt({ min: -(2n ** 66n), max: 2n ** 66n }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.string({ minLength: 1 }).filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value;

/** JSON text with every digit of a BigInt. */
function write(value: unknown): string {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return `[${value.map(write).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([name, member]) => `${JSON.stringify(name)}: ${write(member)}`)
    .join(',')}}`;
}

/** What must come back: a number wherever that is exact, else a BigInt. */
function exact(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, exact(member)]));
}

describe('parseLossless', () => {
  it('gives every value back exactly', () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(parseLossless(write(value))).toEqual(exact(value));
      }),
    );
  });

  it.each([
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['-9223372036854775808', -9223372036854775808n],
    ['1.7976931348623157e308', 1.7976931348623157e308],
    ['0.12345678901234568', 0.12345678901234568],
    ['1e20', 1e20],
    ['"9223372036854775807"', '9223372036854775807'],
  ])('%s', (text, value) => expect(parseLossless(text)).toBe(value));

  it.each(['', '{', 'NaN', '[1,]', '01', '9223372036854775807x'])('refuses %j', (text) => {
    expect(() => parseLossless(text)).toThrow(FicusError);
    expect(() => parseLossless(text)).toThrow(/^not JSON: /);
  });

  const LONG = '1795263643827224001';
  it.each<[string, string, unknown]>([
    [
      "an event's own, which nobody needs",
      `{"op":"c","after":null,"source":{"ts_ns":${LONG}},"ts_ns":${LONG}}`,
      { op: 'c', after: null, source: { ts_ns: Number(LONG) }, ts_ns: Number(LONG) },
    ],
    [
      'a column of that name beside them',
      `{"after":{"ts_ns":${LONG}},"source":{"ts_ns":${LONG}},"ts_ns":1}`,
      { after: { ts_ns: BigInt(LONG) }, source: { ts_ns: BigInt(LONG) }, ts_ns: 1 },
    ],
    [
      'two columns of that name alone',
      `{"before":{"ts_ns":${LONG}},"after":{"ts_ns":${LONG}}}`,
      { before: { ts_ns: BigInt(LONG) }, after: { ts_ns: BigInt(LONG) } },
    ],
    ['a row of its own', `{"ts_ns":${LONG}}`, { ts_ns: BigInt(LONG) }],
    [
      'what only looks so within a text',
      JSON.stringify({ s: `"ts_ns":${LONG}`, t: `\\"ts_ns":${LONG}` }),
      { s: `"ts_ns":${LONG}`, t: `\\"ts_ns":${LONG}` },
    ],
    [
      'other long numbers of the event',
      `{"after":{"id":${LONG}},"source":{"ts_ns":${LONG}},"ts_ns":${LONG}}`,
      { after: { id: BigInt(LONG) }, source: { ts_ns: BigInt(LONG) }, ts_ns: BigInt(LONG) },
    ],
    ['a 16-digit number beyond 2^53', '{"n":9007199254740993}', { n: 9_007_199_254_740_993n }],
  ])('ts_ns: %s', (_what, text, expected) => {
    expect(parseLossless(text)).toEqual(expected);
  });
});
