import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import { type DeadLetterStore, LETTER_STATES, type LetterOrder } from '#core/ports/dead-letters';
import type { Unit } from '#core/unit-state';
import { PLAIN_FORM, RecordDecoder } from '#debezium/decoder';
import { DEAD_LETTER_TOPIC } from '#kafka/dead-letter-topic';
import { ensureCollection } from '#mongo/documents/schema';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { nextLetter } from '#testing/dead-letter-reader';
import { aRecord } from '#testing/debezium-records';
import { LegRig, WAIT } from '#testing/leg-rig';
import type { ForwardLeg, LegParts } from './forward-leg.ts';
import { Meters } from './meters.ts';

let rig: LegRig;
let plan: Plan;
let unit: Unit;

beforeAll(async () => {
  rig = await LegRig.open('forward-leg-test');
});
afterAll(async () => {
  await rig.close();
});
beforeEach(async () => {
  unit = await rig.newUnit();
  plan = unit.plan;
});
afterEach(async () => {
  await rig.stopLegs();
});

const start = (given: Partial<LegParts> = {}) => rig.start(given, unit);
const produce: LegRig['produce'] = (...messages) => rig.produce(...messages);
const stored = () => rig.stored();
const untilCommitted = () => rig.untilCommitted();
const key = (number: number) => ({ region: 'EU', number });
function change(number: number, amount: string, lsn: number, extra: object = {}) {
  return aRecord({
    topic: plan.topic,
    table: 'public.order',
    op: 'u',
    key: key(number),
    after: { ...key(number), amount, ...extra },
    lsn,
  });
}

/** Crashes a leg once all of a batch is durable, before its offset can be committed. */
function crashingMeters(crash: () => void): Meters {
  const meters = new Meters(new Registry());
  meters.applied = () => {
    crash();
    throw new Error('crash after the write');
  };
  return meters;
}

describe('ForwardLeg', () => {
  it('changes nothing when it crashed between the durable write and the offset', async () => {
    await produce(change(1, '1.00', 1), change(2, '2.00', 2), change(1, '3.00', 3));
    let crashes = 0;
    const first = start({ meters: crashingMeters(() => crashes++) });
    await expect.poll(() => crashes, WAIT).toBeGreaterThan(1);
    await first.stop();
    const written = await stored();
    expect(written.map(({ amount, _m }) => [String(amount), _m.n])).toEqual([
      ['3.00', 1],
      ['2.00', 1],
    ]);
    expect((await rig.committed()).get(plan.topic)?.get(0) ?? 0n).toBe(0n);

    start();
    await untilCommitted();
    expect(await stored()).toEqual(written);
    await produce(change(1, '4.00', 4));
    await untilCommitted();
    expect((await stored()).map(({ amount }) => String(amount))).toEqual(['4.00', '2.00']);
  });

  it('puts a poison record aside, in the collection and on the topic, and the partition goes on', async () => {
    const before = (await rig.progress.endOffsets([DEAD_LETTER_TOPIC])).get(DEAD_LETTER_TOPIC)?.get(0) ?? 0n;
    const poison = { key: Buffer.from('k'), value: Buffer.from('{"no":"event"}') };
    await produce(change(1, '1.00', 1), poison, change(2, '2.00', 3));
    start();
    await untilCommitted();
    expect((await stored()).map(({ amount }) => String(amount))).toEqual(['1.00', '2.00']);
    const [letter] = await rig.control.deadLetters.list({ unit: plan.unit, states: LETTER_STATES }, 10);
    expect(letter).toEqual({
      id: `${plan.topic}/0/1`,
      unit: plan.unit,
      topic: plan.topic,
      partition: 0,
      offset: '1',
      epoch: 1,
      key: poison.key.toString('base64'),
      value: poison.value.toString('base64'),
      code: 'event_unparsable',
      reason: expect.stringMatching(/not a Debezium change event/),
      cause: expect.stringMatching(/not a Debezium change event/),
      at: expect.any(String),
      row: `${plan.topic} ${poison.key.toString('base64')}`,
      state: 'dead',
      ...{ omitted: null, order: null, rehearsal: null, settledAt: null },
    });
    const copy = await nextLetter(rig.kafka, plan.unit, before);
    expect(copy.key?.toString()).toBe('k');
    expect(copy.value?.toString()).toBe('{"no":"event"}');
    expect(copy.headers).toMatchObject({
      'ficus.topic': plan.topic,
      'ficus.partition': '0',
      'ficus.epoch': '1',
      'ficus.offset': '1',
      'ficus.code': 'event_unparsable',
    });
  });

  it('reads no record while the connector cannot serve, and goes on when it can', async () => {
    const dependencies = new Dependencies(systemClock);
    let isUsable = false;
    const waiting = new RecordDecoder({
      schemas: null,
      form: () => {
        if (isUsable) return PLAIN_FORM;
        throw new FicusError('connector_failed', 'deletes do not come at all', { retryable: true });
      },
    });
    await produce(change(1, '1.00', 1));
    start({ dependencies, decoderOf: () => waiting });
    await expect
      .poll(() => dependencies.states().find(({ name }) => name === `kafka:${plan.unit}`), WAIT)
      .toMatchObject({ up: false, reason: expect.stringContaining('deletes do not come at all') });
    expect(await stored()).toEqual([]);
    isUsable = true;
    await untilCommitted();
    expect((await stored()).map(({ amount }) => String(amount))).toEqual(['1.00']);
    expect(await rig.control.deadLetters.count(plan.unit)).toBe(0);
  });

  describe('a row with a dead letter', () => {
    const bad = () => change(1, '2.345', 2);
    const letters = async () =>
      (await rig.control.deadLetters.list({ unit: plan.unit, states: LETTER_STATES }, 10)).toSorted(
        (a, b) => Number(a.offset) - Number(b.offset),
      );
    const states = async () => (await letters()).map(({ state }) => state);
    const amounts = async () => (await stored()).map(({ amount }) => String(amount));
    const order = (what: LetterOrder['what']): LetterOrder => ({
      ...{ what, reason: 'test', by: 'test', at: new Date().toISOString() },
    });
    /** The plan that holds what the bad record carries. */
    const wider = (): Unit => {
      const fields = plan.root.fields.map((field) =>
        field.path === 'amount'
          ? { ...field, type: { kind: 'decimal', precision: 12, scale: 3 } as const }
          : field,
      );
      return { ...unit, plan: { ...plan, root: { ...plan.root, fields } } };
    };
    async function tendUntil(leg: ForwardLeg, holds: () => Promise<boolean>): Promise<void> {
      const tended = async (): Promise<boolean> => {
        await leg.tendLetters();
        return await holds();
      };
      await expect.poll(tended, WAIT).toBe(true);
    }

    it('waits, and goes on in order once the plan holds the value', async () => {
      await produce(change(1, '1.00', 1), bad(), change(1, '3.00', 3), change(2, '2.00', 4));
      const leg = start();
      await untilCommitted();
      expect(await states()).toEqual(['dead', 'waiting']);
      expect(await amounts()).toEqual(['1.00', '2.00']);
      await produce(change(1, '4.00', 5));
      await untilCommitted();
      expect(await states()).toEqual(['dead', 'waiting', 'waiting']);
      expect(new Set((await letters()).map(({ cause }) => cause)).size).toBe(1);

      await rig.control.deadLetters.order({ unit: plan.unit }, order('replay'), 10);
      await tendUntil(leg, async () => (await letters())[0]?.order === null);
      expect(await states()).toEqual(['dead', 'waiting', 'waiting']);

      leg.adopt(wider());
      const [id = ''] = await rig.control.deadLetters.order({ unit: plan.unit }, order('rehearse'), 10);
      await tendUntil(leg, async () => (await letters())[0]?.rehearsal !== null);
      expect((await rig.control.deadLetters.read([id]))[0]).toMatchObject({
        rehearsal: { outcomes: { applied: 3 }, failure: null },
      });
      expect(await amounts()).toEqual(['1.00', '2.00']);

      await rig.control.deadLetters.order({ unit: plan.unit }, order('replay'), 10);
      await tendUntil(leg, async () => (await rig.control.deadLetters.count(plan.unit)) === 0);
      expect(await states()).toEqual(['replayed', 'replayed', 'replayed']);
      expect(await amounts()).toEqual(['4.000', '2.00']);
      expect((await stored()).map(({ _mend }) => _mend)).toEqual([true, undefined]);
      await produce(change(1, '5.00', 6));
      await untilCommitted();
      expect(await amounts()).toEqual(['5.000', '2.00']);
    });

    it('is given up by an order, left in doubt for the source, and goes on', async () => {
      await produce(change(1, '1.00', 1), bad());
      const leg = start();
      await untilCommitted();
      await rig.control.deadLetters.order({ unit: plan.unit }, order('discard'), 10);
      await tendUntil(leg, async () => (await rig.control.deadLetters.count(plan.unit)) === 0);
      expect(await states()).toEqual(['discarded']);
      expect((await stored()).map(({ _mend }) => _mend)).toEqual([true]);
      await produce(change(1, '3.00', 3));
      await untilCommitted();
      expect((await stored()).map(({ amount, _mend }) => [String(amount), _mend])).toEqual([
        ['3.00', undefined],
      ]);
    });

    it('still waits after a crash between the letters and the offset, and each letter stands once', async () => {
      await produce(change(1, '1.00', 1), bad(), change(1, '3.00', 3));
      let crashes = 0;
      const first = start({ meters: crashingMeters(() => crashes++) });
      await expect.poll(() => crashes, WAIT).toBeGreaterThan(1);
      await first.stop();
      start();
      await untilCommitted();
      expect(await states()).toEqual(['dead', 'waiting']);
      expect(await amounts()).toEqual(['1.00']);
    });

    it('loses nothing when the letters cannot be kept', async () => {
      await produce(change(1, '1.00', 1), bad(), change(1, '3.00', 3));
      let failures = 0;
      const add: DeadLetterStore['add'] = async (letters) => {
        failures += 1;
        if (failures < 3) throw new Error('the control database is away');
        return await rig.control.deadLetters.add(letters);
      };
      const { deadLetters } = rig.control;
      const failing: DeadLetterStore = {
        ...{ add, rows: (of) => deadLetters.rows(of), due: (of, most) => deadLetters.due(of, most) },
      } as DeadLetterStore;
      start({ deadLetters: failing });
      await untilCommitted();
      expect(await states()).toEqual(['dead', 'waiting']);
    });
  });

  it('stops over the share of bad records that the plan allows, puts nothing aside, and goes on with another plan', async () => {
    const dependencies = new Dependencies(systemClock);
    unit = { ...unit, plan: { ...plan, levels: { ...plan.levels, badShare: 0.001 } } };
    await produce(change(1, '1.00', 1), change(2, '2.345', 2), change(3, '3.456', 3), change(4, '4.00', 4));
    const leg = start({ dependencies });
    const stop = () => dependencies.states().find(({ up }) => !up)?.reason;
    await expect.poll(stop, WAIT).toMatch(/2 of the last 1000 records .* allows 1; .*amount.*2\.345/);
    expect(await rig.control.deadLetters.count(plan.unit)).toBe(0);
    leg.adopt({ ...unit, plan });
    await untilCommitted();
    expect(await rig.control.deadLetters.count(plan.unit)).toBe(2);
    await expect.poll(stop, WAIT).toBeUndefined();
  });

  it('goes on after a poison record that is as large as Kafka takes', async () => {
    const before = (await rig.progress.endOffsets([DEAD_LETTER_TOPIC])).get(DEAD_LETTER_TOPIC)?.get(0) ?? 0n;
    const size = 1_048_588 - 100;
    await produce({ key: Buffer.from('k'), value: Buffer.alloc(size, 'x') });
    await produce(change(2, '2.00', 3));
    start();
    await untilCommitted();
    expect((await stored()).map(({ amount }) => String(amount))).toEqual(['2.00']);
    const [letter] = await rig.control.deadLetters.list({ unit: plan.unit, states: LETTER_STATES }, 10);
    expect(Buffer.from(letter?.value ?? '', 'base64')).toHaveLength(size);
    const copy = await nextLetter(rig.kafka, plan.unit, before);
    expect(copy.value).toBeNull();
    expect(copy.headers['ficus.value']).toBe(`left out, ${size} bytes`);
  });

  it('reports an unknown column by unit and column, and keeps its value', async () => {
    await produce(change(1, '1.00', 1, { colour: 'red' }), change(2, '2.00', 2, { colour: 'blue' }));
    start();
    await untilCommitted();
    expect(await rig.control.unknownColumns.list(plan.unit)).toEqual([
      expect.objectContaining({
        unit: plan.unit,
        table: 'public.order',
        column: 'colour',
        count: 2,
        origin: `${plan.topic}/0/0`,
      }),
    ]);
    expect((await stored()).map(({ _m }) => JSON.parse(_m.x))).toEqual([
      { colour: 'red' },
      { colour: 'blue' },
    ]);
    expect(await rig.control.deadLetters.count(unit.plan.unit)).toBe(0);
  });

  it('adopts a raised term by itself when the fence refuses the old one', async () => {
    const { phase, epoch, term } = unit.state;
    await rig.control.units.advance(unit.state, { phase, epoch, term: term + 1, transition: null }, 'test');
    await ensureCollection(rig.databases.documents, plan, term + 1);
    await produce(change(1, '1.00', 1));
    start();
    await untilCommitted();
    expect((await stored()).map(({ _m }) => _m.t)).toEqual([term + 1]);
    expect(await rig.control.deadLetters.count(plan.unit)).toBe(0);
  });

  it('counts what it did, and has told of it when it has stopped', async () => {
    await produce(change(1, '1.00', 1), change(1, '1.00', 1), change(1, '1.00', 2), {
      key: Buffer.from('{}'),
      value: null,
    });
    const leg = start();
    await untilCommitted();
    await leg.stop();
    const counts = await rig.databases.control
      .collection<{ _id: string }>('replication')
      .findOne({ _id: plan.unit });
    expect(counts).toMatchObject({
      counts: { applied: 1, stale: 1, unchanged: 1, recheck: 0, deadLetters: 0 },
    });
  });
});
