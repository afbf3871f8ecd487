import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { renewal, running } from '#core/capture';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import type { Capture, SlotState } from '#core/ports/capture';
import type { Unit } from '#core/unit-state';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { HandClock } from '#testing/hand-clock';
import { LegRig } from '#testing/leg-rig';
import { type CaptureParts, CaptureSteward } from './capture-steward.ts';
import { Meters } from './meters.ts';
import { SlotWatch } from './slot-watch.ts';

let rig: LegRig;
let system: string;
let unit: Unit;
const clock = new HandClock();
const dependencies = new Dependencies(clock);
const ORDER = { by: 'ann', reason: 'the disk', at: clock.iso() };

beforeAll(async () => {
  rig = await LegRig.open('capture-steward-test');
});
afterAll(async () => {
  await rig.close();
});
beforeEach(async () => {
  system = `system-${randomUUID()}`;
  unit = await rig.newUnit({ system }, 2);
});

/** A connector and its slot, as far as a new beginning sees them. What it is asked fails from `dies` on. */
class Source {
  readonly calls: string[] = [];
  dies = Number.POSITIVE_INFINITY;
  isConnectAway = false;
  isRunning = true;
  hasOffsets = true;
  slot: 'old' | 'new' | null = 'old';
  timeline = 1;
  flushed = 100;

  get healthy(): boolean {
    return this.isRunning && this.slot === 'new';
  }

  readonly connector = {
    halt: async (): Promise<boolean> => {
      this.#asked('halt');
      if (this.isConnectAway) throw new FicusError('connector_failed', 'away', { retryable: true });
      this.isRunning = false;
      return true;
    },
    forget: async (): Promise<void> => {
      this.#asked('forget');
      expect(this.isRunning).toBe(false);
      this.hasOffsets = false;
    },
    resume: async (): Promise<void> => {
      this.#asked('resume');
      this.isRunning = true;
      // As Debezium does: with a place of its own it makes no new slot.
      if (!this.hasOffsets) this.slot ??= 'new';
    },
  };

  readonly slots = {
    read: async () => ({
      ...{ name: 'slot', source: { cluster: '7', timeline: this.timeline, flushed: String(this.flushed) } },
      slot: this.slot === null ? null : SLOT,
      limitBytes: 1,
    }),
    drop: async (): Promise<void> => {
      this.#asked('drop');
      this.slot = null;
    },
    close: async (): Promise<void> => undefined,
  };

  #asked(what: string): void {
    if (this.calls.length >= this.dies) throw new Error('killed');
    this.calls.push(what);
  }
}

const SLOT: SlotState = {
  ...{ walStatus: 'reserved', retainedBytes: 1, safeBytes: 1, active: true, confirmed: '7' },
};

function stewardOf(source: Source, given: Partial<CaptureParts> = {}): CaptureSteward {
  const connector = {
    get healthy() {
      return source.healthy;
    },
    tend: async () => undefined,
    form: () => expect.fail('not asked for'),
  };
  return new CaptureSteward(system, {
    ...{ instance: 'one', captures: rig.control.captures, units: rig.control.units, connector },
    source: { slot: source.slots, connector: source.connector },
    ...{ watch: null, mayRenew: false, progress: rig.progress, dependencies, clock },
    topics: rig.control.topics,
    isOwn: (topic: string) => topic.startsWith(unit.plan.topic),
    log: openLog('test', 'test', 'silent'),
    ...given,
  });
}

/** With what watches over its slot, and may begin anew by itself when that is lost. */
function watchfulOf(source: Source): CaptureSteward {
  const { captures } = rig.control;
  const parts = { slot: source.slots, captures, dependencies, clock, meters: new Meters(new Registry()) };
  const rules = { alarmShare: 0.5, policy: 'resnapshot', limitBytes: null } as const;
  const watch = new SlotWatch(system, rules, { ...parts, log: openLog('test', 'test', 'silent') });
  return stewardOf(source, { watch, mayRenew: true });
}

async function order(): Promise<void> {
  const capture = await rig.control.captures.read(system);
  await rig.control.captures.change(capture, renewal(capture, ORDER));
}

const capture = (): Promise<Capture> => rig.control.captures.read(system);
const stage = async () => running(await capture())?.stage ?? null;

async function round(steward: CaptureSteward): Promise<void> {
  const done = await steward.tend();
  if (done.streams) await steward.tended(done);
}

async function untilReading(steward: CaptureSteward): Promise<void> {
  for (let rounds = 0; (await stage()) !== 'reading'; rounds++) {
    expect(rounds).toBeLessThan(10);
    await round(steward);
  }
}

/** Rows are told by the ends of the topic, and every table is wanted by the unit's next version. */
async function expectOrdered(plan: Plan): Promise<void> {
  const ends = Object.fromEntries(
    [...((await rig.progress.endOffsets([plan.topic])).get(plan.topic) ?? [])].map(([partition, end]) => [
      String(partition),
      String(end),
    ]),
  );
  expect((await capture()).sweeps).toEqual([{ unit: plan.unit, table: plan.root.table, ends }]);
  expect(await rig.control.units.read(plan.unit)).toMatchObject({
    planVersion: 2,
    snapshotWanted: [{ table: plan.root.table, version: 2 }],
  });
}

describe('a new beginning', () => {
  it.each([0, 1, 2, 3, 4, 5])('goes on where it was killed: at call %i', async (dies) => {
    const source = new Source();
    source.dies = dies;
    await order();
    const killed = stewardOf(source);
    for (let rounds = 0; rounds < 4; rounds++) await round(killed);
    source.dies = Number.POSITIVE_INFINITY;
    await untilReading(stewardOf(source));
    expect(source).toMatchObject({ slot: 'new', isRunning: true, hasOffsets: false });
    await expectOrdered(unit.plan);
    const read = await stewardOf(source).tend();
    expect(read).toMatchObject({ streams: true, reads: true });
  });

  it('is carried out by one replicator at a time, until that one is held for dead', async () => {
    const source = new Source();
    source.dies = 1;
    await order();
    await round(stewardOf(source));
    source.dies = Number.POSITIVE_INFINITY;
    const other = stewardOf(source, { instance: 'two' });
    expect(await other.tend()).toMatchObject({ streams: false, reads: false });
    expect(source.calls).toEqual(['halt']);
    clock.turn(120_000);
    await untilReading(other);
    expect(source.slot).toBe('new');
  });

  it('drops the slot while Kafka Connect is away, and waits for it with the rest', async () => {
    const source = new Source();
    source.isConnectAway = true;
    await order();
    const sut = stewardOf(source);
    for (let rounds = 0; rounds < 3; rounds++) await round(sut);
    expect([await stage(), source.slot, source.hasOffsets]).toEqual(['halting', null, true]);
    source.isConnectAway = false;
    await untilReading(sut);
    expect(source).toMatchObject({ slot: 'new', hasOffsets: false });
  });

  it('is begun with again when the connector does not come to stream: its old place came back', async () => {
    const source = new Source();
    await order();
    const sut = stewardOf(source);
    while ((await stage()) === 'halting') await round(sut);
    // Of a task that hung when it was stopped.
    source.hasOffsets = true;
    for (let rounds = 0; rounds < 5; rounds++) await round(sut);
    expect([await stage(), source.slot]).toEqual(['restarting', null]);
    clock.turn(120_000);
    await round(sut);
    expect(await stage()).toBe('halting');
    await untilReading(sut);
    expect(source).toMatchObject({ slot: 'new', hasOffsets: false });
    expect((await capture()).renewals).toHaveLength(1);
  });

  it('of a connector of somebody else waits for it to stream, and touches nothing', async () => {
    const source = new Source();
    await order();
    const sut = stewardOf(source, { source: null });
    for (let rounds = 0; rounds < 3; rounds++) await round(sut);
    expect([await stage(), source.calls]).toEqual(['restarting', []]);
    source.slot = 'new';
    await untilReading(sut);
    await expectOrdered(unit.plan);
  });

  it('ends once every unit is whole and nothing is left to be found', async () => {
    const source = new Source();
    const { captures, units } = rig.control;
    await order();
    const sut = stewardOf(source);
    await untilReading(sut);
    const whole = async (): Promise<Unit> => {
      const found = (await units.read(unit.plan.unit)) ?? expect.fail('the unit is there');
      const snapshot = { complete: true, rows: 0, total: 0, startedAt: null, completedAt: null };
      const counts = { applied: 0, unchanged: 0, stale: 0, recheck: 0, deadLetters: 0 };
      const told = { unit: unit.plan.unit, planVersion: found.planVersion, at: clock.iso() };
      return { ...found, replication: { ...told, lagMs: 0, backlog: 0, snapshot, counts } };
    };
    await sut.settle([await whole()], await sut.tend());
    expect(await stage()).toBe('reading');
    await captures.swept(system, 1, { unit: unit.plan.unit, table: unit.plan.root.table });
    await sut.settle([unit], await sut.tend());
    expect(await stage()).toBe('reading');
    await sut.settle([await whole()], await sut.tend());
    expect((await capture()).renewals).toMatchObject([{ ...ORDER, stage: 'done', endedAt: clock.iso() }]);
  });
});

describe('another database in the place of the source', () => {
  async function watched(): Promise<{ source: Source; sut: CaptureSteward }> {
    const source = new Source();
    const sut = watchfulOf(source);
    expect(await sut.tend()).toMatchObject({ streams: true });
    return { source, sut };
  }

  /** Its slot is gone, too, as after most failovers. */
  async function failedOver(): Promise<{ source: Source; sut: CaptureSteward }> {
    const { source, sut } = await watched();
    source.timeline = 2;
    source.slot = null;
    clock.turn(5_000);
    return { source, sut };
  }

  it('stops the connector, whatever the policy is, and for those who did not see it, too', async () => {
    const { source, sut } = await failedOver();
    await round(sut);
    expect(source).toMatchObject({ isRunning: false, calls: ['halt'] });
    expect((await capture()).lost).toMatchObject({
      isOther: true,
      reason: expect.stringContaining('the source is on timeline 2, and was on 1'),
    });
    for (const steward of [sut, watchfulOf(source), watchfulOf(source)])
      expect(await steward.tend()).toMatchObject({ streams: false, reads: false });
    expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({ planVersion: 1 });
  });

  it('is begun with by an order: an epoch that begins where the log of the other one ended', async () => {
    const { source, sut } = await failedOver();
    await round(sut);
    const ends = (await rig.progress.endOffsets([unit.plan.topic])).get(unit.plan.topic) ?? new Map();
    const log = (await rig.progress.logIds([unit.plan.topic])).get(unit.plan.topic);
    expect(log).toMatch(/^[0-9a-f]{32}$/);
    await order();
    await untilReading(sut);
    expect(source).toMatchObject({ slot: 'new', isRunning: true, hasOffsets: false });
    expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({ replaced: 1, state: { epoch: 2 } });
    const firsts = [...ends].map(([partition, end]) => ({
      ...{ topic: unit.plan.topic, log, partition },
      offset: String(end),
    }));
    expect((await capture()).replacements).toEqual([expect.arrayContaining(firsts)]);
    clock.turn(5_000);
    expect(await sut.tend()).toMatchObject({ streams: true, reads: true, capture: { lost: null } });
    source.timeline = 3;
    clock.turn(5_000);
    await round(sut);
    expect((await capture()).lost?.reason).toContain('on timeline 3, and was on 2');
  });

  it.each([0, 1, 2, 3, 4, 5])(
    'is one epoch, wherever who begins with it was killed: at call %i',
    async (dies) => {
      const { source, sut } = await failedOver();
      await round(sut);
      await order();
      source.dies = source.calls.length + dies;
      for (let rounds = 0; rounds < 4; rounds++) await round(sut);
      source.dies = Number.POSITIVE_INFINITY;
      await untilReading(watchfulOf(source));
      expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({ state: { epoch: 2 } });
      expect((await capture()).replacements).toHaveLength(1);
    },
  );

  it('is an epoch also when the first one is back: what the other one said may have been applied', async () => {
    const { source, sut } = await failedOver();
    await round(sut);
    source.timeline = 1;
    clock.turn(5_000);
    expect(await sut.tend()).toMatchObject({ streams: false });
    await order();
    await untilReading(sut);
    expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({ state: { epoch: 2 } });
  });

  it('is none when the source is the same: then a new beginning opens no epoch', async () => {
    const { sut } = await watched();
    await order();
    await untilReading(sut);
    expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({
      replaced: 0,
      state: { epoch: 1 },
    });
    expect((await capture()).replacements).toEqual([]);
  });

  it('is not what another replicator has seen further of', async () => {
    const source = new Source();
    const [one, other] = [watchfulOf(source), watchfulOf(source)];
    for (let second = 0; second < 20; second++) {
      source.flushed += 50;
      for (const steward of second % 3 === 0 ? [one, other] : [other, one])
        expect(await steward.tend()).toMatchObject({ streams: true, capture: { lost: null } });
      clock.turn(second % 2 === 0 ? 1_000 : 4_500);
    }
  });

  it('is not begun with by an order of before it, nor by the policy', async () => {
    const { source, sut } = await watched();
    source.isConnectAway = true;
    await order();
    source.timeline = 2;
    for (let rounds = 0; rounds < 4; rounds++) await round(sut);
    source.isConnectAway = false;
    for (let rounds = 0; rounds < 4; rounds++) await round(sut);
    const { lost, renewals } = await capture();
    expect(lost).toMatchObject({ isOther: true });
    expect(renewals).toMatchObject([{ by: 'ann', stage: 'failed' }]);
    expect(source.slot).toBe('old');
    await order();
    await untilReading(sut);
    expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({ state: { epoch: 2 } });
  });

  it('is noticed while the connector is started, and a second order may follow', async () => {
    const { source, sut } = await watched();
    await order();
    while ((await stage()) === 'halting') await round(sut);
    source.timeline = 2;
    source.slot = null;
    clock.turn(5_000);
    await sut.tend();
    expect(await capture()).toMatchObject({ lost: { isOther: true }, renewals: [{ stage: 'failed' }] });
    await order();
    await untilReading(sut);
    expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({ state: { epoch: 2 } });
  });

  it('that only an operator knows of is begun with as well', async () => {
    const { sut } = await watched();
    const before = await capture();
    await rig.control.captures.change(before, renewal(before, ORDER, true));
    await untilReading(sut);
    expect(await rig.control.units.read(unit.plan.unit)).toMatchObject({ replaced: 1, state: { epoch: 2 } });
  });
});
