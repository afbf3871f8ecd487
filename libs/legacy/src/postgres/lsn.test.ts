import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatLsn, parseLsn } from './lsn.ts';

interface Case {
  readonly text: string;
  readonly position: bigint;
}

const cases: readonly Case[] = [
  { text: '0/0', position: 0n },
  { text: '0/1', position: 1n },
  { text: '0/FFFFFFFF', position: 0xffff_ffffn },
  { text: '1/0', position: 0x1_0000_0000n },
  { text: '0/1A2B3C', position: 0x1a2b3cn },
  { text: '16/B374D848', position: 97_500_059_720n },
  { text: '7FFFFFFF/FFFFFFFF', position: 2n ** 63n - 1n },
  { text: 'FFFFFFFF/FFFFFFFF', position: 2n ** 64n - 1n },
];

describe('a log position', () => {
  test.each(cases)('$text is $position', ({ text, position }) => {
    expect(parseLsn(text)).toBe(position);
    expect(formatLsn(position)).toBe(text);
  });

  test('reads either case and leading zeros', () => {
    expect(parseLsn('0016/b374d848')).toBe(97_500_059_720n);
  });

  test.each(['', '0', '0/', '/0', '1/2/3', '0/123456789', 'G/0', '-1/0', ' 0/0'])('refuses "%s"', (text) => {
    expect(() => parseLsn(text)).toThrow(/is no log position; legal are two hexadecimal numbers/);
  });

  test.each([-1n, 2n ** 64n])('refuses %s', (position) => {
    expect(() => formatLsn(position)).toThrow(/is no log position/);
  });

  test('keeps the order of the numbers and comes back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (position) => {
        expect(parseLsn(formatLsn(position))).toBe(position);
      }),
    );
  });
});
