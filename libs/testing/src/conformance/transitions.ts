import { expect, it } from 'vitest';
import type { Transition, TransitionStore } from '#core/ports/control';

/** A flip that runs, changed as the test needs it. */
export function aTransition(changes: Partial<Transition> = {}): Transition {
  return {
    id: 'conform-1',
    unit: 'conform',
    from: 'legacy',
    to: 'offload',
    reason: 'trying',
    requestedBy: 'ann',
    at: '2026-01-01T00:00:00.000Z',
    state: 'running',
    guards: [{ name: 'lag', passed: true, value: '1 ms', limit: '5000 ms' }],
    finishedAt: null,
    ...changes,
  };
}

const LATER = '2026-01-01T00:01:00.000Z';

/** What every implementation of `TransitionStore` does. */
export function conformingTransitions(open: () => TransitionStore): void {
  const of = (unit: string, number: number, changes: Partial<Transition> = {}): Transition =>
    aTransition({
      id: `${unit}-${number}`,
      unit,
      at: `2026-01-01T00:00:0${number}.000Z`,
      ...changes,
    });

  it('answers what was recorded, whole', async () => {
    const store = open();
    const one = of('conform-whole', 1);
    await store.record(one);
    expect(await store.read(one.id)).toEqual(one);
    expect(await store.read('conform-nobody')).toBeNull();
  });

  it('lets one flip of a unit run, and tells the other whose it is', async () => {
    const store = open();
    await store.record(of('conform-one', 1));
    await expect(store.record(of('conform-one', 2))).rejects.toMatchObject({
      code: 'state_conflict',
      message: expect.stringContaining('ann'),
    });
    expect(await store.read('conform-one-2')).toBeNull();
    await store.record(of('conform-other', 1));
    await store.record(of('conform-one', 3, { state: 'refused', finishedAt: LATER }));
  });

  it('ends a running flip once, and makes room for the next', async () => {
    const store = open();
    await store.record(of('conform-end', 1));
    await store.finish('conform-end-1', 'done', LATER);
    await store.finish('conform-end-1', 'cancelled', '2026-01-02T00:00:00.000Z');
    expect(await store.read('conform-end-1')).toMatchObject({ state: 'done', finishedAt: LATER });
    await store.record(of('conform-end', 2));
  });

  it('tells the history of a unit from the newest, and what runs of all', async () => {
    const store = open();
    for (const number of [1, 2, 3])
      await store.record(of('conform-history', number, number < 3 ? { state: 'refused' } : {}));
    const ids = (found: readonly Transition[]): readonly string[] => found.map(({ id }) => id);
    expect(ids(await store.history('conform-history', 2))).toEqual([
      'conform-history-3',
      'conform-history-2',
    ]);
    const running = ids(await store.running()).filter((id) => id.startsWith('conform-history'));
    expect(running).toEqual(['conform-history-3']);
  });
}
