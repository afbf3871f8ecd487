import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePositions } from '#core/version';
import { streamPosition } from './position.ts';

const hex = (digits: string): string => digits.padStart(32, '0');

describe('streamPosition', () => {
  it.each([
    ['PostgreSQL', { lsn: 40089752 }, 40089752n],
    ['PostgreSQL beyond 2^53', { lsn: 9223372036854775806n }, 9223372036854775806n],
    ['zero', { lsn: 0 }, 0n],
    ['an incremental snapshot', { lsn: null, sequence: '["40089640","40089752"]' }, 40089752n],
    [
      'one before the first commit',
      { lsn: null, sequence: '[null,"9223372036854775806"]' },
      9223372036854775806n,
    ],
    ['one whose change is the earlier, in fewer digits', { lsn: null, sequence: '["100","99"]' }, 100n],
    ['one whose commit is the earlier', { lsn: null, sequence: '["198","199"]' }, 199n],
    ['one of a connector that has seen nothing', { lsn: null, sequence: '[null,null]' }, null],
    ['one without a sequence', { lsn: null }, null],
    ['nothing', {}, null],
    [
      'Db2, 16 bytes',
      { commit_lsn: '00000000:00000000:00000000000004d2', change_lsn: '00000000:00000000:00000000000004D3' },
      `${hex('4d2')}/${hex('4d3')}`,
    ],
    [
      'Db2 on z/OS, 10 bytes',
      { commit_lsn: '00000027:00000758:0003', change_lsn: '00000027:00000758:0004' },
      `${hex('27000007580003')}/${hex('27000007580004')}`,
    ],
    [
      "Db2's snapshot row",
      { commit_lsn: '00000027:00000758:0003', change_lsn: null },
      `${hex('27000007580003')}/${hex('')}`,
    ],
    ['Db2 without a position', { commit_lsn: null, change_lsn: null }, null],
  ])('%s', (_what, source, position) => expect(streamPosition(source)).toBe(position));

  it.each(['g0', '0'.repeat(33), '0x12', '12 34'])('refuses %s', (commit_lsn) => {
    expect(() => streamPosition({ commit_lsn })).toThrow(
      /no Db2 log sequence number; legal are up to 32 hex digits/,
    );
  });

  it('orders Db2 by commit, then by change, as numbers', () => {
    const number = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n });
    const pair = fc.tuple(number, number);
    const position = ([commit, change]: [bigint, bigint]) =>
      streamPosition({ commit_lsn: commit.toString(16), change_lsn: change.toString(16) }) ??
      expect.fail('no position');
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const expected = a[0] === b[0] ? Number(a[1] > b[1]) - Number(a[1] < b[1]) : a[0] > b[0] ? 1 : -1;
        expect(comparePositions(position(a), position(b))).toBe(expected);
      }),
    );
  });
});
