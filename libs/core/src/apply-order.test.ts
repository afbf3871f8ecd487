import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { history, play } from '#testing/history/history';
import { ORDERINGS } from '#testing/history/shape';

/**
 * The property that must hold: any interleaving, duplication, replay from any earlier offset, crash and rebalance ends
 * in the source's rows. `libs/testing/src/history` has the models. The seed is printed, and FICUS_SEED plays it again;
 * FICUS_HISTORIES says how many histories of each ordering.
 */
const SEED = Number(process.env.FICUS_SEED ?? Date.now() % 2 ** 31);
const HISTORIES = Number(process.env.FICUS_HISTORIES ?? 2_500);

describe.each(ORDERINGS)('histories ordered by %s', (ordering) => {
  it(`end in the rows of the source, also when all of the log is read again (${HISTORIES}, FICUS_SEED=${SEED})`, () => {
    fc.assert(
      fc.property(history, (given) => {
        const { truth, stored, readAgain } = play(ordering, given);
        expect(stored).toEqual(truth);
        const again = readAgain();
        expect(again.stored).toEqual(again.truth);
      }),
      { numRuns: HISTORIES, seed: SEED },
    );
  }, 120_000);
});
