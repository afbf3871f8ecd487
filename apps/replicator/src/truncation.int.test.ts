import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '#core/plan';
import { LETTER_STATES } from '#core/ports/dead-letters';
import { aRecord } from '#testing/debezium-records';
import { LegRig, WAIT } from '#testing/leg-rig';
import { aField } from '#testing/plans';
import type { ForwardLeg } from './forward-leg.ts';

let rig: LegRig;

beforeAll(async () => {
  rig = await LegRig.open('truncation-test');
});
afterAll(async () => {
  await rig.close();
});
afterEach(async () => {
  await rig.stopLegs();
  rig.captured = () => true;
});

function row(number: number, lsn: number, partition = 0) {
  const key = { region: 'EU', number };
  const { topic } = rig.unit.plan;
  const after = { ...key, amount: `${lsn}.00` };
  return { ...aRecord({ topic, table: 'public.order', op: 'u', key, after, lsn }), partition };
}

function truncate(lsn: number) {
  const source = { schema: 'public', table: 'order', lsn, ts_ms: 1_767_225_600_000 };
  const event = { op: 't', before: null, after: null, source };
  return { key: null, value: Buffer.from(JSON.stringify(event)), partition: 0 };
}

/** By number: `true` in doubt, `false` sound. */
async function doubts(): Promise<Record<string, boolean>> {
  return Object.fromEntries((await rig.stored()).map(({ number, _mend }) => [number, _mend === true]));
}
const letters = () => rig.control.deadLetters.list({ unit: rig.unit.plan.unit, states: LETTER_STATES }, 10);
const states = async () => (await letters()).map(({ state }) => state);
async function tendUntil(leg: ForwardLeg, holds: () => Promise<boolean>): Promise<void> {
  const tended = async (): Promise<boolean> => {
    await leg.tendLetters();
    return await holds();
  };
  await expect.poll(tended, WAIT).toBe(true);
}

describe('a truncate', () => {
  it('is held for an operator, unless the plan says otherwise; discarded, it changes nothing', async () => {
    await rig.newUnit();
    await rig.produce(row(1, 1), truncate(2), row(2, 3));
    const leg = rig.start();
    await rig.untilCommitted();
    await leg.tendLetters();
    expect(await letters()).toMatchObject([
      { code: 'table_truncated', state: 'dead', row: null, order: null },
    ]);
    expect(await doubts()).toEqual({ 1: false, 2: false });
    const order = { what: 'discard', reason: 'no', by: 'ann', at: '2026-01-01T00:00:00.000Z' } as const;
    await rig.control.deadLetters.order({ unit: rig.unit.plan.unit }, order, 10);
    await tendUntil(leg, async () => (await states())[0] === 'discarded');
    expect(await doubts()).toEqual({ 1: false, 2: false });
  });

  it('puts what did not change since in doubt, once all from before it has been delivered and applied', async () => {
    await rig.newUnit({ truncate: 'apply' }, 2);
    rig.captured = () => false;
    await rig.produce(row(1, 1), row(2, 1), truncate(5), row(2, 6));
    const leg = rig.start();
    await rig.untilCommitted();
    for (let round = 0; round < 3; round++) await leg.tendLetters();
    expect(await letters()).toMatchObject([{ state: 'dead', order: { what: 'replay', by: 'plan' } }]);
    expect(await doubts()).toEqual({ 1: false, 2: false });

    // Of before the truncate, and delivered after it, since its partition was slower.
    await rig.produce(row(3, 4, 1));
    rig.captured = (position) => position === 5n;
    await tendUntil(leg, async () => (await states())[0] === 'replayed');
    expect(await doubts()).toEqual({ 1: true, 2: false, 3: true });
  });

  it('goes through more documents than it looks at together', async () => {
    await rig.newUnit({ truncate: 'apply' });
    const rows = Array.from({ length: 1_203 }, (_, number) => row(number, 1));
    await rig.produce(...rows, truncate(5));
    const leg = rig.start();
    await rig.untilCommitted();
    await tendUntil(leg, async () => (await states())[0] === 'replayed');
    expect(Object.values(await doubts()).filter(Boolean)).toHaveLength(1_203);
  });

  it('is carried out by a version column too, where no change can be told from one of before', async () => {
    const fields = [...planFields(), aField('rv', { kind: 'long' })];
    const root = { table: 'public.order', key: ['region', 'number'], fields, ignore: [] };
    await rig.newUnit({ truncate: 'apply', version: { kind: 'column', column: 'rv' }, root });
    const versioned = (number: number, lsn: number) => {
      const key = { region: 'EU', number };
      const after = { ...key, amount: '1.00', rv: lsn };
      return aRecord({ topic: rig.unit.plan.topic, table: 'public.order', op: 'u', key, after, lsn });
    };
    await rig.produce(versioned(1, 1), truncate(5), versioned(2, 6));
    const leg = rig.start();
    await rig.untilCommitted();
    await tendUntil(leg, async () => (await states())[0] === 'replayed');
    expect(await doubts()).toEqual({ 1: true, 2: true });
  });
});

function planFields(): Plan['root']['fields'] {
  return [
    aField('region', { kind: 'string', trim: false, length: null }),
    aField('number', { kind: 'long' }),
    aField('amount', { kind: 'decimal', precision: 12, scale: 2 }),
  ];
}
