import { describe, expect, it } from 'vitest';
import { HANDOVER_STAGES } from '#core/handover';
import { type Outcome, simulate } from './simulation.ts';
import { MUTATIONS, type Mutation } from './world.ts';

/**
 * The ladder's invariants, in virtual time: what is acknowledged is committed once, in one chain of states, and both stores
 * end equal, whatever dies or stands still wherever the authority is moved. The seeds are printed, and FICUS_SEED plays
 * them again; FICUS_SIMULATIONS says how many. `npm run simulate` plays more of them, and shows one in full.
 */
const SEED = Number(process.env.FICUS_SEED ?? Date.now() % 2 ** 31);
const SIMULATIONS = Number(process.env.FICUS_SIMULATIONS ?? 600);
/** A broken protocol must show within so many. */
const PATIENCE = 5_000;

describe('a simulated migration', () => {
  it(`loses, doubles and mixes up nothing (${SIMULATIONS}, FICUS_SEED=${SEED})`, async () => {
    const killedAt = new Set<string>();
    let flips = 0;
    for (let seed = SEED; seed < SEED + SIMULATIONS; seed += 1) {
      const outcome = await simulate({ seed });
      expect(outcome.faults, `seed ${seed}`).toEqual([]);
      for (const stage of outcome.killedAt) killedAt.add(stage);
      flips += outcome.flips.done;
    }
    expect(flips).toBeGreaterThan(SIMULATIONS);
    expect([...killedAt].sort()).toEqual(HANDOVER_STAGES.map(({ name }) => name).sort());
  }, 120_000);

  it('happens again as its seed says', async () => {
    const [one, again] = [await simulate({ seed: SEED }), await simulate({ seed: SEED })];
    expect(again.trace).toEqual(one.trace);
    expect(one.acknowledged).toBeGreaterThan(0);
  });
});

describe('a simulated migration shows that', () => {
  it.each(Object.entries(MUTATIONS))('%s breaks it: %s', async (mutation) => {
    expect(await firstFault(mutation as Mutation)).not.toBeNull();
  });
});

/** Null: none of so many has shown it. */
async function firstFault(mutation: Mutation): Promise<string | null> {
  for (let seed = 1; seed <= PATIENCE; seed += 1) {
    const found = await simulate({ seed, mutation }).then(
      ({ faults }: Outcome) => faults[0],
      (error: unknown) => String(error),
    );
    if (found !== undefined) return found;
  }
  return null;
}
