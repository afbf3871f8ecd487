import { expect, it } from 'vitest';
import type { UnitStore } from '#core/ports/control';
import type { Unit } from '#core/unit-state';

export interface UnitsUnderTest {
  readonly store: UnitStore;
  /** Puts a new unit of that name where `store` finds it, and answers it. */
  readonly add: (unit: string) => Promise<Unit>;
}

/** What every implementation of `UnitStore` does, so that one in memory cannot lie to the tests that stand on it. */
export function conformingUnits(open: () => UnitsUnderTest): void {
  it('knows no unit that nobody put', async () => {
    expect(await open().store.read('conform-nobody')).toBeNull();
  });

  it('answers a unit alone as among all', async () => {
    const { store, add } = open();
    const unit = await add('conform-read');
    expect(await store.read('conform-read')).toEqual(unit);
    expect((await store.readAll()).find(({ plan }) => plan.unit === 'conform-read')).toEqual(unit);
  });

  it('advances by compare-and-set: once for each revision', async () => {
    const { store, add } = open();
    const { state } = await add('conform-advance');
    const next = { phase: 'offload', epoch: 1, term: 2, transition: 't-1' } as const;
    const after = await store.advance(state, next, 'ann');
    expect(after).toMatchObject({ ...next, unit: 'conform-advance', revision: state.revision + 1 });
    expect((await store.read('conform-advance'))?.state).toEqual(after);
    await expect(store.advance(state, next, 'bob')).rejects.toMatchObject({
      code: 'state_conflict',
      message: expect.stringContaining('ann'),
    });
    expect((await store.read('conform-advance'))?.state).toEqual(after);
  });

  it('keeps `since` while the phase stays', async () => {
    const { store, add } = open();
    const { state } = await add('conform-since');
    const { phase, epoch } = state;
    const after = await store.advance(state, { phase, epoch, term: 9, transition: null }, 'ann');
    expect(after.since).toBe(state.since);
  });

  it('advances no unit that does not exist', async () => {
    const { store, add } = open();
    const { state } = await add('conform-exists');
    await expect(store.advance({ ...state, unit: 'conform-none' }, state, 'ann')).rejects.toMatchObject({
      code: 'unit_unknown',
    });
  });
}
