import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { halted, renewal } from '#core/capture';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import type { Unit } from '#core/unit-state';
import type { LogRecord } from '#debezium/log-record';
import { ensureTopics } from '#kafka/topics';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { aRecord } from '#testing/debezium-records';
import { LegRig, WAIT } from '#testing/leg-rig';
import { type ApplyContext, BatchApplier } from './batch-applier.ts';
import type { BatchResult } from './tally.ts';

let rig: LegRig;
let plan: Plan;
let unit: Unit;
let systems = 0;

beforeAll(async () => {
  rig = await LegRig.open('replaced-log-test');
});
afterAll(async () => {
  await rig.close();
});
beforeEach(async () => {
  systems += 1;
  unit = await rig.newUnit({ system: `moved-${systems}` });
  plan = unit.plan;
});
afterEach(async () => {
  await rig.stopLegs();
});

function change(number: number, amount: string, lsn: number, more: Record<string, unknown> = {}) {
  const key = { region: 'EU', number };
  return aRecord({
    topic: plan.topic,
    table: 'public.order',
    op: 'u',
    key,
    after: { ...key, amount, ...more },
    lsn,
  });
}

const LOST = /no record at the offset that was applied last/;
/** What is wrong with the unit's leg. */
const reasonOf = (of: Dependencies) => () =>
  String(of.states().find(({ name }) => name === `kafka:${plan.unit}`)?.reason);
const amounts = async () => (await rig.stored()).map(({ amount, _m }) => [String(amount), _m.e]);

async function makeAnew(): Promise<void> {
  const { topic } = plan;
  const admin = rig.kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  await ensureTopics(rig.kafka, [{ topic, partitions: 1 }], { clock: systemClock });
}

/** What the steward does for an operator who orders a new epoch, once the old connector is done away with. */
async function openEpoch(): Promise<void> {
  const { system, topic } = plan;
  const { captures, units } = rig.control;
  const log = (await rig.progress.logIds([topic])).get(topic) ?? expect.fail('no id');
  const offsets = (await rig.progress.endOffsets([topic])).get(topic) ?? new Map<number, bigint>();
  const firsts = [...offsets].map(([partition, offset]) => ({
    ...{ topic, log, partition },
    offset: String(offset),
  }));
  const before = await captures.read(system);
  const order = { by: 'ann', reason: 'made anew', at: new Date().toISOString() };
  const ordered = await captures.change(before, renewal(before, order, true));
  const after = await captures.change(ordered, halted(ordered, { sweeps: [], firsts, slot: null }));
  await units.openEpochs(system, after.replacements.length, 'ann');
}

describe('a topic made anew', () => {
  it('is read in a new epoch, once that is ordered, and from where it begins', async () => {
    await rig.produce(...[100, 101, 102].map((lsn) => change(1, '1.00', lsn)), change(2, '1.00', 103));
    const dependencies = new Dependencies(systemClock);
    const first = rig.start({ dependencies }, unit);
    await rig.untilCommitted();
    await makeAnew();
    await rig.produce(change(1, '0.50', 1), change(3, '0.50', 2));
    await expect.poll(reasonOf(dependencies), WAIT).toMatch(LOST);
    await first.stop();
    const second = rig.start({}, unit);
    await openEpoch();
    await rig.produce(change(1, '2.00', 3));
    await rig.untilCommitted();
    const epochs = [
      ['2.00', 2],
      ['1.00', 1],
    ];
    expect(await amounts()).toEqual(epochs);
    await second.stop();

    await makeAnew();
    await rig.produce(change(1, '9.00', 200));
    const again = new Dependencies(systemClock);
    rig.start({ dependencies: again }, unit);
    await expect.poll(reasonOf(again), WAIT).toMatch(LOST);
    expect(await amounts()).toEqual(epochs);
  });

  it('needs no second order where its loss shows only when the first one has its rows read', async () => {
    await rig.produce(change(1, '1.00', 100), change(2, '1.00', 101));
    const first = rig.start({}, unit);
    await rig.untilCommitted();
    await first.stop();
    await makeAnew();
    await rig.produce(change(1, '0.50', 1));
    await openEpoch();
    await rig.produce(change(1, '2.00', 2));
    rig.start({}, unit);
    await rig.untilCommitted();
    expect(await amounts()).toEqual([
      ['2.00', 2],
      ['1.00', 1],
    ]);
  });

  it('comes over what was in hand of the old one when the epoch began', async () => {
    let [isStuck, inHand, epoch] = [false, 0, 1];
    class Applier extends BatchApplier {
      override async apply(context: ApplyContext, records: readonly LogRecord[]): Promise<BatchResult> {
        if (!isStuck) return await super.apply(context, records);
        [inHand, epoch] = [records.length, context.epoch];
        throw new FicusError('registry_unavailable', 'the registry is away', { retryable: true });
      }
    }
    const applier = new Applier(new MongoDocumentStore(rig.databases.documents), (text) => text);
    const dependencies = new Dependencies(systemClock);
    await rig.produce(change(1, '1.00', 100));
    rig.start({ dependencies, applier }, unit);
    await rig.untilCommitted();
    isStuck = true;
    for (const at of [1, 2, 3, 4, 5, 6, 7, 8, 9])
      await rig.produce(change(1, `5.0${at}`, 100 + at, { pad: 'x'.repeat(600_000) }));
    // So much that no more is fetched.
    await expect.poll(() => inHand, WAIT).toBeGreaterThan(6);
    await makeAnew();
    await openEpoch();
    await rig.produce(change(1, '9.00', 300), change(1, '9.10', 301));
    await expect.poll(() => epoch, WAIT).toBe(2);
    isStuck = false;
    await expect.poll(amounts, { ...WAIT, timeout: 60_000 }).toEqual([['9.10', 2]]);
  });

  it('has letters of its own, holds up nothing for the old ones, and these change nothing any more', async () => {
    const { deadLetters } = rig.control;
    await rig.produce(change(1, '1.00', 100), change(1, '1.005', 101), change(1, '1.01', 102));
    const first = rig.start({}, unit);
    await rig.untilCommitted();
    await first.stop();
    await makeAnew();
    await openEpoch();
    await rig.produce(
      change(1, '2.00', 1),
      change(2, '2.005', 2),
      change(1, '2.01', 3),
      change(1, '2.02', 4),
    );
    const leg = rig.start({}, unit);
    await rig.untilCommitted();
    const states = async () =>
      (await deadLetters.list({ unit: plan.unit, states: ['dead', 'waiting'] }, 10))
        .map(({ id, epoch, state }) => [id.slice(plan.topic.length), epoch, state])
        .toSorted();
    expect(await states()).toEqual([
      ['/0/1', 1, 'dead'],
      ['/0/1/2', 2, 'dead'],
      ['/0/2', 1, 'waiting'],
    ]);
    const row = async () => (await rig.stored()).find(({ number }) => String(number) === '1');
    expect([String((await row())?.amount), (await row())?._mend]).toEqual(['2.02', undefined]);

    leg.adopt((await rig.control.units.read(plan.unit)) ?? unit);
    const order = { reason: 'mended', by: 'ann', at: new Date().toISOString() };
    const ids = [`${plan.topic}/0/1`];
    const tended = async () => {
      await leg.tendLetters();
      return (await deadLetters.read(ids))[0];
    };
    await deadLetters.order({ unit: plan.unit, id: ids[0] }, { ...order, what: 'rehearse' }, 1);
    await expect
      .poll(tended, WAIT)
      .toMatchObject({ rehearsal: { outcomes: { applied: 0, recheck: 2 }, failure: null } });
    await deadLetters.order({ unit: plan.unit, id: ids[0] }, { ...order, what: 'replay' }, 1);
    await expect.poll(tended, WAIT).toMatchObject({ state: 'replayed' });
    expect(await states()).toEqual([['/0/1/2', 2, 'dead']]);
    // The source tells what the row is.
    expect([String((await row())?.amount), (await row())?._mend]).toEqual(['2.02', true]);
  });
});
