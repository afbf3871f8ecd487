import { describe, expect, it } from 'vitest';
import { StepClock } from '#testing/step-clock';
import { CountKeeper } from './count-keeper.ts';

const NONE = { applied: 0, unchanged: 0, stale: 0, recheck: 0, deadLetters: 0 };

describe('CountKeeper', () => {
  it('tells the sum once a second', async () => {
    const [clock, told] = [new StepClock(), [] as object[]];
    const sut = new CountKeeper(async (counts) => void told.push(counts), clock);
    sut.add({ applied: 1, unchanged: 2, stale: 3, recheck: 4, deadLetters: 5 });
    sut.add({ ...NONE, applied: 10 });
    expect(told).toEqual([]);
    clock.advance(1_000);
    await expect
      .poll(() => told)
      .toEqual([{ applied: 11, unchanged: 2, stale: 3, recheck: 4, deadLetters: 5 }]);
    sut.add({ ...NONE, stale: 1 });
    await expect.poll(() => clock.sleepers).toBe(1);
    clock.advance(1_000);
    await expect.poll(() => told.at(-1)).toEqual({ ...NONE, stale: 1 });
  });

  it('keeps what could not be told', async () => {
    const [clock, told] = [new StepClock(), [] as object[]];
    let isAway = true;
    const sut = new CountKeeper(async (counts) => {
      if (isAway) throw new Error('the database is away');
      told.push(counts);
    }, clock);
    sut.add({ ...NONE, applied: 1 });
    clock.advance(1_000);
    await expect.poll(() => clock.sleepers).toBe(1);
    isAway = false;
    sut.add({ ...NONE, applied: 1 });
    clock.advance(1_000);
    await expect.poll(() => told).toEqual([{ ...NONE, applied: 2 }]);
  });

  it('tells what is left when it is stopped, and tries only once', async () => {
    const told: object[] = [];
    const sut = new CountKeeper(async (counts) => void told.push(counts), new StepClock());
    sut.add({ ...NONE, applied: 1 });
    await sut.stop();
    expect(told).toEqual([{ ...NONE, applied: 1 }]);
    const failing = new CountKeeper(() => Promise.reject(new Error('away')), new StepClock());
    failing.add({ ...NONE, applied: 1 });
    await expect(failing.stop()).resolves.toBeUndefined();
  });
});
