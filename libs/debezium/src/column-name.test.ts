import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { columnName } from './column-name.ts';

/** What the connector makes of a name. */
function mangled(name: string): string {
  return [...Buffer.from(name)]
    .map((byte) => String.fromCharCode(byte < 0x80 ? byte : 0xff00 | byte))
    .join('');
}

describe('columnName', () => {
  it.each(['ünïcode', 'weird col', 'straße', '価格', 'a😀'])('reads %s in either form', (name) => {
    expect(columnName(name)).toBe(name);
    expect(columnName(mangled(name))).toBe(name);
  });

  it.each(['ｶﾅ', '\uffc3', 'a\uffc3b', '\uffc3é'])(
    'leaves %j, which is no mangled name, as it is',
    (name) => {
      expect(columnName(name)).toBe(name);
    },
  );

  it('finds any name back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (name) => {
        expect(columnName(mangled(name))).toBe(name);
      }),
    );
  });
});
