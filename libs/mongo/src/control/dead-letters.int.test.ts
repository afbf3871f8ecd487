import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { LetterOrder } from '#core/ports/dead-letters';
import { aLetter } from '#testing/a-letter';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { MongoDeadLetterStore } from './dead-letters.ts';

let databases: TestDatabases;
let sut: MongoDeadLetterStore;
let unit: string;

const OPEN = ['dead', 'waiting'] as const;
const order: LetterOrder = { what: 'replay', reason: 'mended', by: 'ann', at: '2026-01-02T00:00:00.000Z' };

beforeAll(async () => {
  databases = await openTestDatabases();
  sut = new MongoDeadLetterStore(databases.control);
});
afterAll(async () => {
  await databases.close();
});
beforeEach(() => {
  unit = `unit-${randomUUID()}`;
});

/** A row with a dead letter and two that wait, one whose dead letter is gone, and a record without a row. */
async function fill(): Promise<void> {
  await sut.add([
    aLetter(unit, 9),
    aLetter(unit, 100, { state: 'waiting' }),
    aLetter(unit, 20, { state: 'waiting' }),
    aLetter(unit, 5, { row: 'orphans', state: 'waiting' }),
    aLetter(unit, 6, { row: null, code: 'event_unsupported', reason: 'a truncate', cause: 'a truncate' }),
  ]);
}

describe('dead letters', () => {
  it('are kept once, also when they come twice at the same time', async () => {
    const letter = aLetter(unit, 17);
    const known = await Promise.all([sut.add([letter]), sut.add([letter])]);
    expect(known).toEqual([[], []]);
    expect(await sut.count(unit)).toBe(1);
    expect(await sut.list({ unit, states: OPEN }, 10)).toEqual([letter]);
    expect(await sut.list({ unit: 'others', states: OPEN }, 10)).toEqual([]);
    expect(await sut.list({ unit, states: ['replayed'] }, 10)).toEqual([]);
  });

  it('that are settled stay so when their record comes again', async () => {
    const letter = aLetter(unit, 17);
    await sut.add([letter]);
    await sut.settle([letter.id], 'discarded', '2026-01-03T00:00:00.000Z');
    expect(await sut.add([letter, aLetter(unit, 18)])).toEqual([letter.id]);
    expect(await sut.count(unit)).toBe(1);
    await sut.settle([letter.id], 'replayed', '2026-01-04T00:00:00.000Z');
    const [settled] = await sut.read([letter.id]);
    expect(settled).toMatchObject({ state: 'discarded', settledAt: '2026-01-03T00:00:00.000Z' });
  });

  it('name the rows that wait, and from where on', async () => {
    await fill();
    expect(await sut.rows(unit)).toEqual(
      new Map([
        ['orphans', { epoch: 1, offset: 5n }],
        [`${unit} 1`, { epoch: 1, offset: 9n }],
      ]),
    );
  });

  it('of another epoch are others, whose rows wait by themselves', async () => {
    await fill();
    const again = (offset: number, given = {}) =>
      aLetter(unit, offset, { id: `${unit}/0/${offset}/2`, epoch: 2, ...given });
    await sut.add([again(9, { state: 'waiting' }), again(2, { state: 'waiting' })]);
    expect((await sut.rows(unit)).get(`${unit} 1`)).toEqual({ epoch: 2, offset: 2n });
    expect((await sut.open(again(9))).map(({ id }) => id)).toEqual([`${unit}/0/2/2`, `${unit}/0/9/2`]);
    expect((await sut.open(aLetter(unit, 9))).map(({ offset }) => offset)).toEqual(['9', '20', '100']);
    const due = (await sut.due(unit, 10)).map(({ row, epoch }) => [row, epoch]).toSorted();
    expect(due).toEqual(
      [
        [`${unit} 1`, 2],
        ['orphans', 1],
      ].toSorted(),
    );
    await sut.settle([`${unit}/0/2/2`, `${unit}/0/9/2`], 'replayed', order.at);
    expect((await sut.rows(unit)).get(`${unit} 1`)).toEqual({ epoch: 1, offset: 9n });
  });

  it('that an earlier build has put aside without an epoch are of the first one', async () => {
    await sut.add([aLetter(unit, 9), aLetter(unit, 10, { state: 'waiting' })]);
    const stored = databases.control.collection<{ _id: string }>('deadLetters');
    await stored.updateOne({ _id: `${unit}/0/9` }, { $unset: { epoch: true } });
    await sut.order({ unit }, order, 10);
    const [due] = await sut.due(unit, 10);
    expect(due).toMatchObject({ epoch: 1 });
    const open = await sut.open(aLetter(unit, 10));
    expect(open.map(({ offset, epoch }) => [offset, epoch])).toEqual([
      ['9', 1],
      ['10', 1],
    ]);
    expect(await sut.rows(unit)).toEqual(new Map([[`${unit} 1`, { epoch: 1, offset: 9n }]]));
  });

  it('are due by an order, or when none of their row is dead any more', async () => {
    await fill();
    expect((await sut.due(unit, 10)).map(({ row }) => row)).toEqual(['orphans']);
    expect(await sut.order({ unit, cause: 'no JSON' }, order, 10)).toEqual([`${unit}/0/9`]);
    const due = await sut.due(unit, 10);
    expect(due.map(({ row }) => row).sort()).toEqual(['orphans', `${unit} 1`].sort());
    expect(await sut.due(unit, 1)).toHaveLength(1);
  });

  it('of a row are open in the order of their offsets, which are numbers', async () => {
    await fill();
    const open = await sut.open(aLetter(unit, 20));
    expect(open.map(({ offset }) => offset)).toEqual(['9', '20', '100']);
    expect(await sut.open(aLetter(unit, 6, { row: null }))).toHaveLength(1);
  });

  it('are meant by their id, topic, code and cause, only while they are dead', async () => {
    await fill();
    const meant = (choice: object) => sut.chosen({ unit, ...choice }, 10);
    expect(await meant({})).toEqual([`${unit}/0/6`, `${unit}/0/9`]);
    expect(await meant({ id: `${unit}/0/20` })).toEqual([]);
    expect(await meant({ id: `${unit}/0/9` })).toEqual([`${unit}/0/9`]);
    expect(await meant({ code: 'event_unsupported' })).toEqual([`${unit}/0/6`]);
    expect(await meant({ topic: 'other' })).toEqual([]);
    expect(await sut.chosen({ unit }, 1)).toHaveLength(1);
    expect(await sut.chosen({ unit: 'other' }, 10)).toEqual([]);
  });

  it('lose their order when they have been rehearsed, or have failed again', async () => {
    await fill();
    const [id = ''] = await sut.order({ unit, cause: 'no JSON' }, { ...order, what: 'rehearse' }, 10);
    const outcomes = { applied: 1, unchanged: 0, stale: 2, recheck: 0 };
    await sut.rehearsed(id, { at: order.at, outcomes, failure: null });
    expect((await sut.read([id]))[0]).toMatchObject({ state: 'dead', order: null, rehearsal: { outcomes } });
    await sut.order({ unit, cause: 'no JSON' }, order, 10);
    await sut.fail(id, { code: 'value_invalid', reason: 'still bad', cause: 'still bad' });
    await sut.fail(`${unit}/0/20`, { code: 'value_invalid', reason: 'bad too', cause: 'bad too' });
    expect(await sut.read([id, `${unit}/0/20`])).toMatchObject([
      { state: 'dead', order: null, reason: 'still bad' },
      { state: 'dead', order: null, reason: 'bad too' },
    ]);
  });

  it('are grouped by cause, with what waits', async () => {
    await fill();
    await sut.order({ unit, cause: 'no JSON' }, order, 10);
    expect(await sut.groups(unit)).toEqual([
      {
        ...{ unit, topic: unit, code: 'event_unparsable', cause: 'no JSON', reason: 'no JSON' },
        ...{ dead: 1, waiting: 3, ordered: 1, sample: `${unit}/0/5` },
        first: aLetter(unit, 5).at,
        last: aLetter(unit, 100).at,
      },
      {
        ...{ unit, topic: unit, code: 'event_unsupported', cause: 'a truncate', reason: 'a truncate' },
        ...{ dead: 1, waiting: 0, ordered: 0, sample: `${unit}/0/6` },
        ...{ first: aLetter(unit, 6).at, last: aLetter(unit, 6).at },
      },
    ]);
    expect((await sut.groups(null)).length).toBeGreaterThan(1);
  });
});
