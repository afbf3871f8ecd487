import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import type { Measurements } from '#core/transition';
import { HandClock } from '#testing/hand-clock';
import { MemoryTransitions, MemoryUnits } from '#testing/memory-stores';
import { aPlan, aUnit } from '#testing/plans';
import { ABANDONED_MS, Flip, GuardRefusal } from './flip.ts';
import { FLIP_STEPS } from './flip-steps.ts';

const GREEN: Measurements = {
  mode: 'RW',
  lagMs: 10,
  lagLimitMs: 5_000,
  snapshotComplete: true,
  deadLetters: 0,
  lastVerification: { ageMs: 1_000, passed: true, rowsCompared: 5, differences: 0 },
  verifiedLimitMs: 60_000,
  driftLimitPpm: 0,
  allowEmpty: false,
  aliveFacades: 1,
};
const UP = { unit: 'orders', to: 'offload', reason: 'trying', requestedBy: 'ann' } as const;

function world(measured: Partial<Measurements> = {}) {
  const clock = new HandClock();
  const units = new MemoryUnits();
  units.put(aUnit(aPlan()));
  const transitions = new MemoryTransitions();
  let ids = 0;
  const parts = {
    units,
    transitions,
    measure: async () => ({ ...GREEN, ...measured }),
    clock,
    newId: () => `t${++ids}`,
  };
  return { ...parts, sut: new Flip(parts), state: async () => (await units.read('orders'))?.state };
}

describe('Flip', () => {
  it('moves the unit with a new term and the same epoch, and tells', async () => {
    const { sut, state, transitions } = world();
    const done = await sut.flip(UP);
    expect(done).toMatchObject({ id: 't1', from: 'legacy', to: 'offload', state: 'done', reason: 'trying' });
    expect(await state()).toMatchObject({ phase: 'offload', term: 2, epoch: 1, transition: 't1' });
    expect((await sut.flip({ ...UP, to: 'legacy' })).state).toBe('done');
    expect(await state()).toMatchObject({ phase: 'legacy', term: 3, epoch: 1 });
    expect((await transitions.history('orders', 9)).map((one) => one.to)).toEqual(['legacy', 'offload']);
  });

  it('refuses while a guard is red, with every guard, and keeps the refusal', async () => {
    const { sut, state, transitions } = world({ lagMs: 9_000, lastVerification: null });
    const refusal = await sut.flip(UP).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(GuardRefusal);
    expect(refusal).toMatchObject({ code: 'guard_failed' });
    const { guards, faults } = refusal as GuardRefusal;
    expect(guards.filter((guard) => !guard.passed).map((guard) => guard.name)).toEqual([
      'lag',
      'verified',
      'drift',
    ]);
    expect(guards).toHaveLength(7);
    expect(faults).toHaveLength(3);
    expect(await state()).toMatchObject({ phase: 'legacy', term: 1 });
    expect(await transitions.read('t1')).toMatchObject({ state: 'refused', guards });
  });

  it('goes down whatever is red', async () => {
    const { sut, units, state } = world({ lagMs: null, lastVerification: null, aliveFacades: 0 });
    const unit = aUnit(aPlan());
    units.put({ ...unit, state: { ...unit.state, phase: 'offload' } });
    await sut.flip({ ...UP, to: 'legacy' });
    expect(await state()).toMatchObject({ phase: 'legacy' });
  });

  it('changes nothing in a dry run, and shows the steps that it would walk', async () => {
    const { sut, state, transitions } = world({ deadLetters: 2 });
    const before = await state();
    const shown = await sut.dryRun(UP);
    expect(shown).toMatchObject({ from: 'legacy', to: 'offload', direction: 'up', allowed: false });
    expect(shown.steps).toBe(FLIP_STEPS);
    expect(await state()).toEqual(before);
    expect(await transitions.history('orders', 9)).toEqual([]);
  });

  it.each([
    { name: 'an unknown unit', request: { ...UP, unit: 'none' }, code: 'unit_unknown', says: /"none"/ },
    {
      name: 'a step too far',
      request: { ...UP, to: 'primary' as const },
      code: 'body_invalid',
      says: /from legacy to primary; legal is offload/,
    },
    {
      name: 'where it is',
      request: { ...UP, to: 'legacy' as const },
      code: 'state_conflict',
      says: /in phase legacy already, since 2026-/,
    },
  ])('refuses $name', async ({ request, code, says }) => {
    const { sut } = world();
    await expect(sut.flip(request)).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
    await expect(sut.dryRun(request)).rejects.toMatchObject({ code });
  });

  it('refuses a phase that is not built, in a guard', async () => {
    const { sut, units } = world();
    const unit = aUnit(aPlan());
    units.put({ ...unit, state: { ...unit.state, phase: 'offload' } });
    const refusal = await sut.flip({ ...UP, to: 'y-loading' }).catch((error: unknown) => error);
    expect((refusal as GuardRefusal).guards.filter((guard) => !guard.passed)).toMatchObject([
      { name: 'phase-built', value: 'y-loading' },
    ]);
  });

  it('lets one of two racing operators through', async () => {
    const { sut, state, transitions } = world();
    const results = await Promise.allSettled([sut.flip(UP), sut.flip({ ...UP, requestedBy: 'bob' })]);
    const lost = results.filter((result) => result.status === 'rejected');
    expect(lost.map((result) => (result.reason as FicusError).code)).toEqual(['state_conflict']);
    expect(await state()).toMatchObject({ phase: 'offload', term: 2 });
    expect(await transitions.running()).toEqual([]);
  });

  it('cancels when the unit was changed between its judgement and its switch', async () => {
    const { sut, units, transitions } = world();
    const { advance } = units;
    const first = aUnit(aPlan());
    units.advance = async (...args) => {
      units.put({ ...first, state: { ...first.state, revision: 9 } });
      return await advance.apply(units, args);
    };
    await expect(sut.flip(UP)).rejects.toMatchObject({ code: 'state_conflict' });
    expect(await transitions.read('t1')).toMatchObject({ state: 'cancelled' });
  });
});

describe('a flip that is interrupted', () => {
  /** Points at which the process dies: before or after each of the three writes. */
  const POINTS = FLIP_STEPS.flatMap(({ name }) => [
    { name, when: 'before' as const },
    { name, when: 'after' as const },
  ]);

  /** Makes a write die around its nth call. */
  function dying(target: ReturnType<typeof world>, point: (typeof POINTS)[number]): void {
    const method = { record: 'record', switch: 'advance', finish: 'finish' } as const;
    const owner = (point.name === 'switch' ? target.units : target.transitions) as unknown as Record<
      string,
      (...args: unknown[]) => Promise<unknown>
    >;
    const name = method[point.name];
    const original = owner[name]?.bind(owner);
    owner[name] = async (...args) => {
      if (original !== undefined) owner[name] = original;
      if (point.when === 'after') await original?.(...args);
      throw new FicusError('mongo_unavailable', 'killed', { retryable: true });
    };
  }

  it.each(POINTS)('$when $name ends as what really happened', async (point) => {
    const interrupted = world();
    const { sut, clock, transitions, state } = interrupted;
    dying(interrupted, point);
    await expect(sut.flip(UP)).rejects.toMatchObject({ code: 'mongo_unavailable' });
    expect(await sut.recover()).toEqual([]);
    clock.turn(ABANDONED_MS);
    await sut.recover();
    expect(await transitions.running()).toEqual([]);
    const history = await transitions.history('orders', 9);
    const moved = (await state())?.phase === 'offload';
    expect(history.map((one) => one.state)).toEqual(
      point.name === 'record' && point.when === 'before' ? [] : [moved ? 'done' : 'cancelled'],
    );
    expect(moved).toBe(point.name === 'finish' || (point.name === 'switch' && point.when === 'after'));
  });

  it('cannot be done later by an instance that was only paused', async () => {
    const paused = world();
    const { sut, clock, units, transitions, state } = paused;
    const { advance } = units;
    let wake = (): void => undefined;
    let reached = (): void => undefined;
    const sleeping = new Promise<void>((resolve) => (wake = resolve));
    const asleep = new Promise<void>((resolve) => (reached = resolve));
    units.advance = async (...args) => {
      units.advance = advance.bind(units);
      reached();
      await sleeping;
      return await advance.apply(units, args);
    };
    const flip = sut.flip(UP);
    await asleep;
    clock.turn(ABANDONED_MS);
    expect(await sut.recover()).toEqual([{ id: 't1', state: 'cancelled' }]);
    wake();
    await expect(flip).rejects.toMatchObject({ code: 'state_conflict' });
    expect(await state()).toMatchObject({ phase: 'legacy', term: 2 });
    expect(await transitions.read('t1')).toMatchObject({ state: 'cancelled' });
  });

  async function recovered(target: ReturnType<typeof world>, tries: number): Promise<void> {
    target.clock.turn(ABANDONED_MS);
    for (let tried = 0; tried < tries; tried++) await target.sut.recover().catch(() => undefined);
  }

  it('keeps history and state in agreement over any sequence of flips and deaths', async () => {
    const moves = fc.array(
      fc.record({
        to: fc.constantFrom('legacy', 'offload'),
        point: fc.option(fc.constantFrom(...POINTS), { nil: null }),
      }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(moves, async (all) => {
        const target = world();
        for (const { to, point } of all) {
          if (point !== null) dying(target, point);
          await target.sut.flip({ ...UP, to: to as 'legacy' | 'offload' }).catch(() => undefined);
          await recovered(target, 1);
        }
        // A trap may still be set, and then the recovery itself dies.
        await recovered(target, all.length + 1);
        expect(await target.transitions.running()).toEqual([]);
        const done = (await target.transitions.history('orders', 99)).filter((one) => one.state === 'done');
        expect((await target.state())?.phase).toBe(done[0]?.to ?? 'legacy');
        // Each step that was done begins where the one before it ended.
        for (const [index, one] of done.entries()) expect(one.from).toBe(done[index + 1]?.to ?? 'legacy');
      }),
    );
  });
});
