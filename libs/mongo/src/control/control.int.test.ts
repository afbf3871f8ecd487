import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import type { Transition } from '#core/ports/control';
import type { Unit } from '#core/unit-state';
import { conformingTransitions } from '#testing/conformance/transitions';
import { conformingUnits } from '#testing/conformance/units';
import { conformingVerifications } from '#testing/conformance/verifications';
import { HandClock } from '#testing/hand-clock';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { aField, aPlan } from '#testing/plans';
import { aVerification } from '#testing/verifications';
import { letterEpochs } from '../../../../migrations/control/0003-letter-epochs.ts';
import { demandMigrated, migrateControl } from '../../../../migrations/control/run.ts';
import { type Control, controlOf } from './control.ts';

let databases: TestDatabases;
let control: Control;
const clock = new HandClock();

beforeAll(async () => {
  databases = await openTestDatabases();
  const callers = ['a', 'b', 'c'].map((by) => migrateControl(databases.control, { by, clock: realTime }));
  const ran = (await Promise.all(callers)).flat();
  expect(ran.toSorted()).toEqual([1, 2, 3]);
  control = controlOf(databases.control, clock);
});
afterAll(() => databases.close());

/** Waiting for another process is real waiting. */
const realTime = {
  now: () => Date.now(),
  sleep: (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)),
};

async function unitOf(name: string): Promise<Unit> {
  await control.plans.put(aPlan({ unit: name }), `unit: ${name}\n`, 'owner');
  const unit = await control.units.read(name);
  if (unit === null) throw new Error(`${name} was just put`);
  return unit;
}

describe('migrations', () => {
  it('are demanded by name until the last has run', async () => {
    await expect(demandMigrated(databases.control)).resolves.toBeUndefined();
    const records = databases.control.collection<{ _id: number }>('migrations');
    const last = await records.findOneAndDelete({ _id: 3 });
    await expect(demandMigrated(databases.control)).rejects.toThrow(
      /^migration 3 \(letter-epochs\) .* \.\/ficus migrate/,
    );
    if (last !== null) await records.insertOne(last);
  });

  it('finds nothing to do the second time', async () => {
    expect(await migrateControl(databases.control, { by: 'again', clock: realTime })).toEqual([]);
  });

  it('waits no longer than its lease for one that died', async () => {
    const lock = databases.control.collection<{ _id: string; holder: string; until: Date }>('migrationLock');
    await lock.updateOne({ _id: 'lock' }, { $set: { holder: 'dead', until: new Date(Date.now() + 400) } });
    let ran = 0;
    const migrations = [
      {
        number: 99,
        name: 'later',
        up: async () => {
          ran++;
        },
      },
    ];
    const callers = ['d', 'e'].map((by) =>
      migrateControl(databases.control, { by, clock: realTime, migrations }),
    );
    expect((await Promise.all(callers)).flat()).toEqual([99]);
    expect(ran).toBe(1);
  });

  it('gives letters of before the epoch that their offset tells', async () => {
    const { plan } = await unitOf('lettered');
    const { units, letters, captures } = {
      units: databases.control.collection<{ _id: string }>('units'),
      letters: databases.control.collection<{ _id: string }>('deadLetters'),
      captures: databases.control.collection<{ _id: string; replacements: object[] }>('captures'),
    };
    await units.updateOne({ _id: plan.unit }, { $set: { epoch: 2, replaced: 1, 'plan.system': 'lettered' } });
    const firsts = [{ topic: 't', partition: 0, offset: '10' }];
    await captures.insertOne({ _id: 'lettered', replacements: [firsts] });
    const old = (offset: number, unit = plan.unit) =>
      ({ _id: `${unit}/${offset}`, unit, topic: 't', partition: 0, offset: String(offset) }) as {
        _id: string;
      };
    await letters.insertMany([old(9), old(10), old(7, 'gone')]);
    await letterEpochs.up(databases.control);
    const found = await letters.find({ topic: 't' }).sort({ _id: 1 }).toArray();
    expect(found.map((one) => [one._id, 'epoch' in one && one.epoch])).toEqual([
      ['gone/7', 1],
      ['lettered/10', 2],
      ['lettered/9', 1],
    ]);
  });

  it('refuses a state outside the ladder', async () => {
    const { plan } = await unitOf('laddered');
    const units = databases.control.collection<{ _id: string }>('units');
    await expect(units.updateOne({ _id: plan.unit }, { $set: { phase: 'heaven' } })).rejects.toMatchObject({
      code: 121,
    });
  });
});

describe('units and plans', () => {
  it('begins in legacy with epoch, term and version 1', async () => {
    const unit = await unitOf('fresh');
    expect(unit).toMatchObject({ planVersion: 1, replication: null });
    expect(unit.state).toEqual({
      unit: 'fresh',
      phase: 'legacy',
      epoch: 1,
      term: 1,
      revision: 1,
      since: clock.iso(),
      transition: null,
    });
    expect(unit.plan).toEqual(aPlan({ unit: 'fresh' }));
  });

  it('counts only changed plans', async () => {
    const plan = aPlan({ unit: 'versioned' });
    const put = (changed: typeof plan) => control.plans.put(changed, 'text', 'owner');
    expect(await put(plan)).toEqual({ unit: 'versioned', version: 1, changed: true, snapshot: [] });
    expect(await put({ ...plan })).toEqual({ unit: 'versioned', version: 1, changed: false, snapshot: [] });
    expect(await put({ ...plan, owner: 'others' })).toEqual({
      unit: 'versioned',
      version: 2,
      changed: true,
      snapshot: [],
    });
    expect((await control.units.read('versioned'))?.state.revision).toBe(2);
  });

  it('marks the tables that a change concerns in the same write, and refuses what documents do not allow', async () => {
    const plan = aPlan({ unit: 'reread' });
    const { plans, units } = control;
    await plans.put(plan, 'text', 'owner');
    const more = (path: string): typeof plan => ({
      ...plan,
      root: { ...plan.root, fields: [...plan.root.fields, aField(path, { kind: 'int' })] },
    });
    expect(await plans.put(more('count'), 'text', 'owner')).toMatchObject({
      version: 2,
      snapshot: [plan.root.table],
    });
    expect((await units.read('reread'))?.snapshotWanted).toEqual([{ table: plan.root.table, version: 2 }]);
    await plans.put(plan, 'text', 'owner');
    expect((await units.read('reread'))?.snapshotWanted).toEqual([{ table: plan.root.table, version: 3 }]);
    // Documents keep the value of the path that the plan has let go.
    const refused = [expect.stringContaining('the path count.all (documents have a value at count)')];
    expect(await plans.refusals(more('count.all'))).toEqual(refused);
    await expect(plans.put(more('count.all'), 'text', 'owner')).rejects.toMatchObject({
      code: 'plan_invalid',
    });
    expect((await units.read('reread'))?.planVersion).toBe(3);
  });

  it('creates a unit once, however many apply it at once', async () => {
    const all = await Promise.all(Array.from({ length: 8 }, () => unitOf('crowded')));
    expect(new Set(all.map((unit) => unit.planVersion))).toEqual(new Set([1]));
  });

  it('lets one of two racing changes through and tells the other by whom it lost', async () => {
    const { state } = await unitOf('raced');
    const next = { phase: 'offload', epoch: 1, term: 2, transition: 't' } as const;
    const results = await Promise.allSettled([
      control.units.advance(state, next, 'ann'),
      control.units.advance(state, next, 'bob'),
    ]);
    const won = results.find((result) => result.status === 'fulfilled');
    const lost = results.find((result) => result.status === 'rejected');
    expect(won?.value).toMatchObject({ phase: 'offload', term: 2, revision: 2, transition: 't' });
    expect(lost?.reason).toBeInstanceOf(FicusError);
    expect(lost?.reason).toMatchObject({ code: 'state_conflict' });
    expect(String(lost?.reason)).toMatch(/changed by (ann|bob) at 2026-/);
  });

  it('keeps `since` while the phase stays', async () => {
    const { state } = await unitOf('patient');
    clock.turn(60_000);
    const after = await control.units.advance(state, { ...state, term: 2, transition: null }, 'ann');
    expect(after).toMatchObject({ since: state.since, term: 2 });
  });

  it('joins the replication status, whose counts several may add to', async () => {
    await unitOf('flowing');
    const counts = { applied: 2, unchanged: 1, stale: 0, recheck: 0, deadLetters: 0 };
    await Promise.all([
      control.status.addCounts('flowing', counts),
      control.status.addCounts('flowing', counts),
    ]);
    expect((await control.units.read('flowing'))?.replication).toBeNull();
    const snapshot = { complete: false, rows: 5, total: null, startedAt: clock.iso(), completedAt: null };
    await control.status.put({
      unit: 'flowing',
      planVersion: 4,
      at: clock.iso(),
      lagMs: 12,
      backlog: 3,
      snapshot,
    });
    const all = await control.units.readAll();
    expect(all.find((unit) => unit.plan.unit === 'flowing')?.replication).toEqual({
      unit: 'flowing',
      planVersion: 4,
      at: clock.iso(),
      lagMs: 12,
      backlog: 3,
      snapshot,
      counts: { applied: 4, unchanged: 2, stale: 0, recheck: 0, deadLetters: 0 },
    });
  });
});

describe('transitions', () => {
  const flip = (id: string, unit: string, changes: Partial<Transition> = {}): Transition => ({
    id,
    unit,
    from: 'legacy',
    to: 'offload',
    reason: 'because',
    requestedBy: 'ann',
    at: clock.iso(),
    state: 'running',
    guards: [],
    finishedAt: null,
    ...changes,
  });

  it('admits one running flip a unit', async () => {
    await control.transitions.record(flip('t1', 'single'));
    await expect(control.transitions.record(flip('t2', 'single'))).rejects.toMatchObject({
      code: 'state_conflict',
      message: expect.stringContaining('asked for by ann at 2026-'),
    });
    await control.transitions.record(flip('t3', 'single', { state: 'refused' }));
    expect((await control.transitions.running()).map((one) => one.id)).toEqual(['t1']);
    await control.transitions.finish('t1', 'done', clock.iso());
    await control.transitions.record(flip('t4', 'single'));
    await control.transitions.finish('t4', 'cancelled', clock.iso());
  });

  it('ends once and lists newest first', async () => {
    await control.transitions.record(flip('h1', 'listed'));
    await control.transitions.finish('h1', 'done', clock.iso());
    await control.transitions.finish('h1', 'cancelled', clock.iso());
    clock.turn(1_000);
    await control.transitions.record(flip('h2', 'listed', { state: 'refused' }));
    expect((await control.transitions.history('listed', 10)).map((one) => [one.id, one.state])).toEqual([
      ['h2', 'refused'],
      ['h1', 'done'],
    ]);
    expect(await control.transitions.read('h1')).toMatchObject({ finishedAt: expect.any(String) });
    expect(await control.transitions.read('none')).toBeNull();
  });
});

describe('verifications', () => {
  it('is saved by the worker that took it last', async () => {
    await control.verifications.create(aVerification({ id: 'v1' }));
    await control.verifications.create(aVerification({ id: 'v1', requestedBy: 'somebody else' }));
    const first = await control.verifications.take('v1');
    const second = await control.verifications.take('v1');
    if (first === null || second === null) throw new Error('v1 was just created');
    expect(second.checkpoint).toEqual({
      version: 1,
      planVersion: null,
      through: null,
      suspects: [],
    });
    const checkpoint = {
      version: 1,
      planVersion: 1,
      through: ['eu', '9007199254740993'],
      suspects: [['eu', '1']],
    } as const;
    const running = { ...second.verification, state: 'running' as const, rowsCompared: 7 };
    await control.verifications.save({ ...second, verification: running, checkpoint });
    await expect(control.verifications.save(first)).rejects.toMatchObject({ code: 'state_conflict' });
    const third = await control.verifications.take('v1');
    expect(third).toEqual({ verification: running, checkpoint, attempt: 3 });
    expect(await control.verifications.unfinished()).toEqual([running]);
    expect(running.requestedBy).toBe('somebody');
  });

  it('is not taken again once it has ended', async () => {
    await control.verifications.create(aVerification({ id: 'v2', unit: 'ended' }));
    const run = await control.verifications.take('v2');
    if (run === null) throw new Error('v2 was just created');
    await control.verifications.save({ ...run, verification: { ...run.verification, state: 'passed' } });
    expect(await control.verifications.take('v2')).toBeNull();
    expect(await control.verifications.take('none')).toBeNull();
    expect((await control.verifications.history('ended', 5)).map((one) => one.state)).toEqual(['passed']);
  });
});

describe('what the replicator keeps', () => {
  it('sums sightings of a column and keeps the first', async () => {
    const seen = { unit: 'orders', table: 'public.order', column: 'colour', count: 2 };
    const at = clock.iso();
    await control.unknownColumns.report({ ...seen, origin: 't/0/1', at });
    clock.turn(1_000);
    await control.unknownColumns.report({ ...seen, origin: 't/0/9', at: clock.iso() });
    expect(await control.unknownColumns.list('orders')).toEqual([
      { ...seen, count: 4, origin: 't/0/1', firstSeen: at, lastSeen: clock.iso() },
    ]);
  });

  it('remembers a topic from its first sight', async () => {
    expect(await control.topics.read('a.b')).toBeNull();
    const first = { topic: 'a.b', incarnation: 1, partitions: 3, begun: [], logs: {} };
    expect(await control.topics.register('a.b', 3)).toEqual(first);
    expect(await control.topics.register('a.b', 9)).toEqual(first);
    const begin = (partition: number, log: string | null) =>
      control.topics.begin({ topic: 'a.b', partition }, log);
    await begin(2, 'one');
    await begin(0, null);
    await begin(2, null);
    expect(await control.topics.read('a.b')).toEqual({ ...first, begun: [2, 0], logs: { 2: 'one' } });
    await begin(2, 'two');
    await control.topics.resize('a.b', 5);
    const last = { ...first, partitions: 5, begun: [2, 0], logs: { 2: 'two' } };
    expect(await control.topics.read('a.b')).toEqual(last);
  });

  it('remembers how many epochs there were when a partition was lost, until it is found', async () => {
    const { topics } = control;
    await topics.register('lost.one', 2);
    const of = { topic: 'lost.one', partition: 1 };
    expect([await topics.lose(of, 3), await topics.lose(of, 4)]).toEqual([3, 3]);
    expect(await topics.lose({ ...of, partition: 0 }, 5)).toBe(5);
    await topics.find(of);
    await topics.find(of);
    expect([await topics.lose(of, 6), await topics.lose({ ...of, partition: 0 }, 6)]).toEqual([6, 5]);
  });

  it('begins a snapshot with nothing of the one before', async () => {
    const { snapshots } = control;
    const order = { version: 1, orderedAfter: '7', requestedAt: clock.iso() };
    await snapshots.change('orders', 'public.order', { total: 1 });
    await snapshots.addRows('orders', 'public.order', 1);
    expect(await snapshots.list('orders')).toEqual([]);
    await snapshots.begin('orders', 'public.order', order);
    await snapshots.addRows('orders', 'public.order', 10);
    await snapshots.change('orders', 'public.order', { total: 30, scanEnds: { '0': '12' }, failure: 'x' });
    await snapshots.addRows('orders', 'public.order', 5);
    await snapshots.begin('orders', 'public.line', order);
    const blank = {
      ...{ unit: 'orders', startedAt: null, progressAt: null, scannedAt: null, scanEnds: null },
      ...{ completedAt: null, failure: null, total: null, rows: 0 },
    };
    expect(await snapshots.list('orders')).toEqual([
      { ...blank, ...order, table: 'public.line' },
      {
        ...{ ...blank, ...order, table: 'public.order', rows: 15, total: 30 },
        ...{ scanEnds: { '0': '12' }, failure: 'x' },
      },
    ]);
    const again = { version: 2, orderedAfter: '9', requestedAt: clock.iso() };
    await snapshots.begin('orders', 'public.order', again);
    expect((await snapshots.list('orders'))[1]).toEqual({ ...blank, ...again, table: 'public.order' });
  });

  it('knows who lives', async () => {
    await control.instances.beat({ id: 'f1', app: 'facade', at: clock.iso(), plans: {} });
    clock.turn(5_000);
    await control.instances.beat({ id: 'f2', app: 'facade', at: clock.iso(), plans: {} });
    await control.instances.beat({ id: 'r1', app: 'replicator', at: clock.iso(), plans: { orders: 3 } });
    const { instances } = control;
    expect(await instances.alive('facade', 3_000)).toMatchObject([{ id: 'f2' }]);
    expect(await instances.alive('facade', 60_000)).toMatchObject([{ id: 'f1' }, { id: 'f2' }]);
    expect(await instances.alive('replicator', 3_000)).toEqual([
      { id: 'r1', app: 'replicator', at: clock.iso(), plans: { orders: 3 } },
    ]);
  });
});

it('names an unreachable server as a retryable failure', async () => {
  const { openMongo } = await import('../connection.ts');
  const client = openMongo('mongodb://127.0.0.1:1/', 'test');
  await expect(controlOf(client.db('none'), clock).units.readAll()).rejects.toMatchObject({
    code: 'mongo_unavailable',
    retryable: true,
  });
  await client.close();
});

describe('as every store of its port does', () => {
  conformingUnits(() => ({ store: control.units, add: unitOf }));
  conformingTransitions(() => control.transitions);
  conformingVerifications(() => control.verifications);
});
