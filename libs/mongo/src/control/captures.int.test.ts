import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { halted, renewal } from '#core/capture';
import type { SlotReport } from '#core/ports/capture';
import { HandClock } from '#testing/hand-clock';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { aField, aPlan } from '#testing/plans';
import { type Control, controlOf } from './control.ts';

let databases: TestDatabases;
let control: Control;
const clock = new HandClock();

beforeAll(async () => {
  databases = await openTestDatabases();
  control = controlOf(databases.control, clock);
});
afterAll(() => databases.close());

const REPORT: SlotReport = {
  ...{ name: 'slot', slot: null, limitBytes: null, at: clock.iso(), alarm: null },
};
const SLOT = {
  walStatus: 'reserved',
  retainedBytes: 1,
  safeBytes: null,
  active: true,
  confirmed: '7',
} as const;
const ORDER = { by: 'ann', reason: 'the disk', at: clock.iso() };

describe('the capture of a system', () => {
  it('is at its beginning until something is kept of it', async () => {
    expect(await control.captures.read('new')).toEqual({
      ...{ system: 'new', revision: 0, slot: null, seen: false, lost: null, generation: 0 },
      ...{ renewals: [], sweeps: [], carrier: null },
    });
  });

  it('remembers that a slot was there', async () => {
    const { captures } = control;
    await captures.report('seen', REPORT);
    expect(await captures.read('seen')).toMatchObject({ seen: false, slot: REPORT });
    await captures.report('seen', { ...REPORT, slot: SLOT });
    await captures.report('seen', REPORT);
    expect(await captures.read('seen')).toMatchObject({ seen: true, slot: REPORT, revision: 0 });
  });

  it('is changed by one of those who decide at once', async () => {
    const { captures } = control;
    const before = await captures.read('raced');
    const orders = await Promise.allSettled(
      ['ann', 'bob', 'eve'].map((by) => captures.change(before, renewal(before, { ...ORDER, by }))),
    );
    expect(orders.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected', 'rejected']);
    expect(orders.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: { code: 'state_conflict', retryable: true },
    });
    expect((await captures.read('raced')).renewals).toHaveLength(1);
  });

  it('lets go of sweeps that are done, of its own generation only', async () => {
    const { captures } = control;
    const sweeps = ['a', 'b'].map((table) => ({ unit: 'orders', table, ends: { 0: '9007199254740993' } }));
    const first = await captures.read('swept');
    const ordered = await captures.change(first, renewal(first, ORDER));
    await captures.change(ordered, halted(ordered, sweeps));
    await captures.swept('swept', 0, { unit: 'orders', table: 'a' });
    expect((await captures.read('swept')).sweeps).toEqual(sweeps);
    await captures.swept('swept', 1, { unit: 'orders', table: 'a' });
    expect((await captures.read('swept')).sweeps).toEqual(sweeps.slice(1));
  });
});

it('units are read again once for each generation, every table of them, and those of other systems are not', async () => {
  const { plans, units } = control;
  const lines = {
    ...{
      path: 'lines',
      cardinality: 'many' as const,
      table: 'public.line',
      topic: 'a.public.line',
      ignore: [],
    },
    ...{ parentKey: ['region', 'number'], key: ['no'], fields: [aField('no', { kind: 'int' })] },
  };
  await plans.put(aPlan({ unit: 'own', system: 'a', embeds: [lines] }), '', 'owner');
  await plans.put(aPlan({ unit: 'other', system: 'b' }), '', 'owner');
  const unit = async (name: string) => (await units.read(name)) ?? expect.fail(`no unit ${name}`);
  const [own, other] = [await unit('own'), await unit('other')];
  for (const generation of [1, 1]) await units.readAgain('a', generation, 'ann');
  const after = await unit('own');
  expect(after).toMatchObject({ planVersion: 2, state: { revision: own.state.revision + 1 } });
  expect(after.snapshotWanted.toSorted((a, b) => (a.table < b.table ? -1 : 1))).toEqual([
    { table: 'public.line', version: 2 },
    { table: own.plan.root.table, version: 2 },
  ]);
  await units.readAgain('a', 2, 'ann');
  await units.readAgain('a', 1, 'ann');
  expect((await unit('own')).planVersion).toBe(3);
  expect(await unit('other')).toEqual(other);
});
