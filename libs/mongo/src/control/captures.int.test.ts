import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { halted, renewal } from '#core/capture';
import type { SlotReport } from '#core/ports/capture';
import type { Unit } from '#core/unit-state';
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
  source: { cluster: '7', timeline: 1, flushed: '9' },
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
      ...{ replacements: [], renewals: [], sweeps: [], carrier: null },
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
    await captures.change(ordered, halted(ordered, { sweeps, firsts: null, slot: null }));
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

describe('another database in the place of a source', () => {
  const unitOf = async (unit: string): Promise<Unit> =>
    (await control.units.read(unit)) ?? expect.fail(`there is no ${unit}`);
  const put = async (unit: string, system: string) =>
    await control.plans.put(aPlan({ unit, collection: unit, system }), '', 'ann');

  it('is an epoch of every unit of its system, once, by a new version of the plan', async () => {
    await put('moved', 'moving');
    await put('unmoved', 'standing');
    await control.units.openEpochs('moving', 1, 'ann');
    await control.units.openEpochs('moving', 1, 'bob');
    const once = { planVersion: 2, replaced: 1, state: { epoch: 2, term: 1, revision: 2 } };
    expect(await unitOf('moved')).toMatchObject(once);
    expect((await unitOf('moved')).snapshotWanted).toEqual([{ table: 'public.order', version: 2 }]);
    expect(await unitOf('unmoved')).toMatchObject({ planVersion: 1, replaced: 0, state: { epoch: 1 } });
    await control.units.openEpochs('moving', 3, 'ann');
    expect(await unitOf('moved')).toMatchObject({ planVersion: 3, replaced: 3, state: { epoch: 4 } });
    await control.units.openEpochs('moving', 2, 'ann');
    expect(await unitOf('moved')).toMatchObject({ planVersion: 3, replaced: 3, state: { epoch: 4 } });
  });

  it('is known to a unit that is applied later: its log may reach back to before', async () => {
    const { captures, units } = control;
    const before = await captures.read('succeeded');
    const ordered = await captures.change(before, renewal(before, ORDER));
    const firsts = [{ topic: 'a.b.c', partition: 0, offset: '5' }];
    await captures.change(ordered, halted(ordered, { sweeps: [], firsts, slot: REPORT }));
    expect(await captures.read('succeeded')).toMatchObject({ replacements: [firsts], slot: REPORT });
    await put('late', 'succeeded');
    const late = await unitOf('late');
    expect(late).toMatchObject({ planVersion: 1, replaced: 1, state: { epoch: 2 } });
    await units.openEpochs('succeeded', 1, 'ann');
    expect(await unitOf('late')).toEqual(late);
  });
});
