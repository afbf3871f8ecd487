import { expect, it } from 'vitest';
import type { VerificationStore } from '#core/ports/control';
import type { Verification } from '#core/reconcile';
import { aVerification } from '../verifications.ts';

/** What every implementation of `VerificationStore` does. */
export function conformingVerifications(open: () => VerificationStore): void {
  const of = (unit: string, number: number, changes: Partial<Verification> = {}): Verification =>
    aVerification({
      id: `${unit}-${number}`,
      unit,
      requestedAt: `2026-01-01T00:00:0${number}.000Z`,
      ...changes,
    });

  it('keeps the first of an id', async () => {
    const store = open();
    const one = of('conform-first', 1);
    await store.create(one);
    await store.create({ ...one, requestedBy: 'somebody else' });
    expect(await store.read(one.id)).toEqual(one);
    expect(await store.read('conform-nobody')).toBeNull();
  });

  it('is taken from its beginning, and only the last taker may save it', async () => {
    const store = open();
    await store.create(of('conform-take', 1));
    const first = await store.take('conform-take-1');
    expect(first?.checkpoint).toEqual({ version: 1, planVersion: null, through: null, suspects: [] });
    if (first === null) throw new Error('it was just created');
    const moved = { ...first.checkpoint, planVersion: 3, through: ['EU', '7'], suspects: [['EU', '5']] };
    const verification: Verification = { ...first.verification, state: 'running', rowsCompared: 7 };
    await store.save({ ...first, verification, checkpoint: moved });
    const second = await store.take('conform-take-1');
    expect(second).toMatchObject({ verification, checkpoint: moved, attempt: first.attempt + 1 });
    await expect(store.save(first)).rejects.toMatchObject({ code: 'state_conflict' });
    expect(await store.read('conform-take-1')).toEqual(verification);
  });

  it('is not taken after its end, nor when it does not exist', async () => {
    const store = open();
    await store.create(of('conform-ended', 1));
    const run = await store.take('conform-ended-1');
    if (run === null) throw new Error('it was just created');
    await store.save({ ...run, verification: { ...run.verification, state: 'passed' } });
    expect(await store.take('conform-ended-1')).toBeNull();
    expect(await store.take('conform-nobody')).toBeNull();
  });

  it('tells what has not ended from the oldest, and the history from the newest', async () => {
    const store = open();
    for (const [number, state] of [
      [1, 'queued'],
      [2, 'failed'],
      [3, 'running'],
    ] as const)
      await store.create(of('conform-listed', number, { state }));
    const ids = (found: readonly Verification[]): readonly string[] =>
      found.map(({ id }) => id).filter((id) => id.startsWith('conform-listed'));
    expect(ids(await store.unfinished())).toEqual(['conform-listed-1', 'conform-listed-3']);
    expect(ids(await store.history('conform-listed', 2))).toEqual(['conform-listed-3', 'conform-listed-2']);
  });
}
