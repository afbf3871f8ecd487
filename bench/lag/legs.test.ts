import { describe, expect, it } from 'vitest';
import { missed } from '../figures.ts';
import { demandsOf, report, seenOf } from './legs.ts';
import type { Sighting } from './watch.ts';

const sightings = new Map<number, Sighting>([
  [0, { committed: 1_000, sent: 1_010, readable: 1_040 }],
  [1, { committed: 2_000, sent: 2_020, readable: 2_030 }],
  [2, { committed: 3_000, sent: 3_005 }],
  [3, { committed: 4_000, sent: 4_010, readable: 6_000 }],
]);

describe('the legs of a change', () => {
  const seen = seenOf(sightings, { from: 0, to: 3 });
  it('are those of changes that were seen everywhere, of the numbers asked for', () => {
    expect(seen.map(({ committed }) => committed)).toEqual([1_000, 2_000]);
  });
  it('are written by what share of the changes took no longer', () => {
    expect(report(seen, { reached: 999.6, of: 3 })).toBe(
      [
        '2 of 3 watched changes seen everywhere, of all that were made at 1,000/s; ms:',
        '                             p50  p95  p99  most',
        'commit to Kafka               10   20   20    20',
        'Kafka to readable document    10   30   30    30',
        'commit to readable document   30   40   40    40',
      ].join('\n'),
    );
  });
  it('have limits', () => {
    expect(missed(demandsOf(seen))).toEqual([]);
    const late = seenOf(sightings, { from: 0, to: 4 });
    expect(missed(demandsOf(late)).map(({ what }) => what)).toEqual([
      'commit to readable document, p99',
      'what Ficus adds after Kafka, p99',
    ]);
  });
});
