import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { Dependencies } from '#observability/dependencies';
import { HandClock } from '#testing/hand-clock';
import { MemoryLegacyStore } from '#testing/memory-legacy-store';
import { aPlan } from '#testing/plans';
import { LegacyWatch } from './legacy-watch.ts';

class CountingStore extends MemoryLegacyStore {
  pings = 0;

  override async ping(): Promise<void> {
    this.pings++;
    await super.ping();
  }
}

function setUp(): { clock: HandClock; store: CountingStore; dependencies: Dependencies; sut: LegacyWatch } {
  const clock = new HandClock();
  const store = new CountingStore(aPlan());
  const dependencies = new Dependencies(clock);
  return {
    clock,
    store,
    dependencies,
    sut: new LegacyWatch(new Map([['shop', store]]), dependencies, clock),
  };
}

describe('LegacyWatch', () => {
  it('asks each system once a round, and one that answers only every five seconds', async () => {
    const { clock, store, sut } = setUp();
    for (let second = 0; second < 10; second++) {
      await sut.round(['shop', 'shop']);
      clock.turn(1_000);
    }
    expect(store.pings).toBe(2);
  });

  it('asks one that is away with growing pauses, and says since when', async () => {
    const { clock, store, dependencies, sut } = setUp();
    store.failure = new FicusError('legacy_unavailable', 'refused', { retryable: true });
    const since = clock.iso();
    const asked: number[] = [];
    for (let tick = 0; tick < 100; tick++) {
      const before = store.pings;
      await sut.round(['shop']);
      if (store.pings > before) asked.push(tick * 100);
      clock.turn(100);
    }
    expect(asked).toEqual([0, 100, 300, 700, 1_500, 3_100, 6_300]);
    expect(dependencies.states()).toEqual([{ name: 'legacy:shop', up: false, since, reason: 'refused' }]);
    store.failure = null;
    clock.turn(5_000);
    await sut.round(['shop']);
    expect(dependencies.states()).toMatchObject([{ name: 'legacy:shop', up: true }]);
  });

  it('names a system that no setting knows', async () => {
    const { dependencies, sut } = setUp();
    await sut.round(['plant']);
    expect(dependencies.states()).toMatchObject([{ name: 'legacy:plant', up: false }]);
  });
});
