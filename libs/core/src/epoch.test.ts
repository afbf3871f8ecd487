import { describe, expect, it } from 'vitest';
import { beginsIn, epochLookup, firstOf } from './epoch.ts';

const at = (partition: number, offset: bigint, topic = 't') => ({ topic, partition, offset });
const from = (offsets: readonly number[]) =>
  offsets.map((offset, partition) => ({ topic: 't', partition, offset: String(offset) }));

describe('the first offset of an epoch', () => {
  it.each([
    ['as it was measured', at(1, 0n), 5n],
    ['the beginning of a partition that came later', at(2, 0n), 0n],
    ['the beginning of a topic that came later', at(0, 0n, 'other'), 0n],
  ])('is %s', (_name, place, first) => {
    expect(firstOf(from([10, 5]), place)).toBe(first);
  });
});

describe('an epoch', () => {
  it.each([
    ['in the topic that it was measured in', at(1, 0n), 'new', true],
    ['in no other one of that name', at(1, 0n), 'newer', false],
    ['in none whose id nobody knew', at(0, 0n), 'new', false],
    ['in none that came later', at(0, 0n, 'other'), 'new', false],
  ])('begins %s', (_name, place, log, does) => {
    const firsts = [
      { topic: 't', partition: 0, offset: '10' },
      { topic: 't', partition: 1, offset: '5', log: 'new' },
    ];
    expect(beginsIn(firsts, place, log)).toBe(does);
  });
});

describe('the epoch of a record', () => {
  it.each([
    ['in the topic that was made anew', 'second', 0n, 2],
    ['in the one before it, at any offset', 'first', 90n, 1],
    ['in one of which nobody knows which it is, by its offset', undefined, 0n, 2],
    ['of a topic before both', 'none', 90n, 1],
  ])('goes by the topic of which an epoch begins: %s', (_name, log, offset, epoch) => {
    const begins = [[{ topic: 't', partition: 0, offset: '0', log: 'second' }]];
    const place = { ...at(0, offset), ...(log === undefined ? {} : { log }) };
    expect(epochLookup(2, begins)(place)).toBe(epoch);
  });

  it('is the one in force while there has been no other', () => {
    expect(epochLookup(3, [])(at(0, 5n))).toBe(3);
  });
  it.each([
    ['before the second', at(0, 9n), 1],
    ['the first of the second', at(0, 10n), 2],
    ['the last of the second', at(0, 29n), 2],
    ['the first of the third', at(0, 30n), 3],
    ['of another partition, before the second', at(1, 4n), 1],
    ['of another partition, in the third', at(1, 5n), 3],
    ['of a partition that came with the third', at(2, 0n), 3],
    ['of a partition that came after all', at(7, 0n), 3],
    ['of a topic that came after all', at(0, 0n, 'other'), 3],
  ])('is told by its offset: %s', (_name, place, epoch) => {
    expect(epochLookup(3, [from([10, 5]), from([30, 5, 0])])(place)).toBe(epoch);
  });
});
