import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Plan } from '#core/plan';
import { PLAIN_FORM, RecordDecoder } from '#debezium/decoder';
import { openMongo } from '#mongo/connection';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { aRecord, type TestRecord } from '#testing/debezium-records';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { aField, aPlan } from '#testing/plans';
import { type ApplyContext, BatchApplier } from './batch-applier.ts';
import type { BatchResult } from './tally.ts';

const ORDERS = 'shop.public.order';
const LINES = 'shop.public.line';

const decoder = new RecordDecoder({ schemas: null, form: () => PLAIN_FORM });

let databases: TestDatabases;
let plan: Plan;
let made = 0;

beforeAll(async () => {
  databases = await openTestDatabases();
});
afterAll(async () => {
  await databases.close();
});
beforeEach(async () => {
  made += 1;
  plan = aPlan({
    collection: `orders_${made}`,
    embeds: [
      {
        path: 'lines',
        table: 'public.line',
        topic: LINES,
        parentKey: ['region', 'number'],
        key: ['line_no'],
        cardinality: 'many',
        fields: [
          aField('line_no', { kind: 'int' }),
          aField('price', { kind: 'decimal', precision: 8, scale: 2 }),
        ],
        ignore: [],
      },
    ],
  });
  await ensureCollection(databases.documents, plan, 1);
});

const sutOn = (documents = new MongoDocumentStore(databases.documents)): BatchApplier =>
  new BatchApplier(documents, (text) => text);
const context = (given: Partial<ApplyContext> = {}): ApplyContext => ({
  plan,
  decoder,
  epoch: 1,
  epochOf: () => 1,
  term: 1,
  incarnations: new Map([
    [ORDERS, 1],
    [LINES, 1],
  ]),
  parked: new Map(),
  isCurrent: async () => true,
  ...given,
});

function order(number: number, amount: string, at: number): TestRecord {
  const key = { region: 'EU', number };
  return aRecord({
    topic: ORDERS,
    table: 'public.order',
    op: 'u',
    key,
    after: { ...key, amount },
    lsn: at,
    offset: at,
  });
}
function line(number: number, line_no: number, price: string, at: number): TestRecord {
  const key = { region: 'EU', number, line_no };
  return aRecord({
    topic: LINES,
    table: 'public.line',
    op: 'u',
    key,
    after: { ...key, price },
    lsn: at,
    offset: at,
  });
}
function read(number: number) {
  return new MongoDocumentStore(databases.documents).readOne(plan, ['EU', String(number)]);
}

describe('BatchApplier', () => {
  it('two of them race on the same documents, from the lanes of parents and of children, and nothing is lost', async () => {
    const [parents, children] = [openMongo(databases.url, 'parents'), openMongo(databases.url, 'children')];
    try {
      const name = databases.documents.databaseName;
      const lanes: [BatchApplier, (round: number) => TestRecord[]][] = [
        [
          sutOn(new MongoDocumentStore(parents.db(name))),
          (round) => range(20).map((n) => order(n, `${round}.00`, round * 20 + n)),
        ],
        [
          sutOn(new MongoDocumentStore(children.db(name))),
          (round) => range(20).map((n) => line(n, round, `${round}.50`, round * 20 + n)),
        ],
      ];
      const results = await Promise.all(
        lanes.map(async ([sut, batch]) => {
          const all: BatchResult[] = [];
          for (const round of range(30)) all.push(await sut.apply(context(), batch(round)));
          return all;
        }),
      );
      expect(results.flat().every(({ failures }) => failures.length === 0)).toBe(true);
      expect(results.flat().reduce((sum, { outcomes }) => sum + outcomes.applied, 0)).toBe(2 * 20 * 30);
    } finally {
      await Promise.all([parents.close(), children.close()]);
    }
    for (const number of range(20)) {
      const found = await read(number);
      expect(found?.root.amount).toBe('29.00');
      expect(found?.embeds.lines).toEqual(
        range(30).map((round) => ({ line_no: round, price: `${round}.50` })),
      );
    }
  });

  it('writes a document once a batch, and nothing when the batch comes again', async () => {
    const batch = [order(1, '1.00', 1), line(1, 1, '1.00', 1), order(1, '2.00', 2), order(2, '3.00', 3)];
    const first = await sutOn().apply(context(), batch);
    expect(first.outcomes).toEqual({ applied: 4, unchanged: 0, stale: 0, recheck: 0 });
    const stored = await databases.documents.collection(plan.collection).find().toArray();
    expect(stored.map((one) => one._m.n)).toEqual([1, 1]);
    const again = await sutOn().apply(context(), batch);
    expect(again.outcomes).toEqual({ applied: 0, unchanged: 0, stale: 4, recheck: 0 });
    expect(await databases.documents.collection(plan.collection).find().toArray()).toEqual(stored);
  });

  it('puts a record aside that nothing can be made of, and applies its neighbours', async () => {
    const poison = { ...order(1, '1.00', 2), value: Buffer.from('no event') };
    const unheld = order(2, '12345678901234.00', 3);
    const foreign = aRecord({
      topic: ORDERS,
      table: 'public.other',
      op: 'c',
      key: {},
      after: {},
      lsn: 4,
      offset: 4,
    });
    const { failures, outcomes, waiting } = await sutOn().apply(context(), [
      order(1, '1.00', 1),
      poison,
      unheld,
      foreign,
      order(3, '5.00', 5),
    ]);
    expect(waiting).toEqual([]);
    expect(failures.map(({ record, code }) => [record.offset, code])).toEqual([
      [2n, 'event_unparsable'],
      [3n, 'value_invalid'],
      [4n, 'event_unsupported'],
    ]);
    expect(failures[1]?.reason).toMatch(/column amount of public\.order/);
    expect(outcomes.applied).toBe(2);
    expect((await read(3))?.root.amount).toBe('5.00');
  });

  describe('a row with a record that cannot be applied', () => {
    const poison = { ...order(1, '1.00', 2), value: Buffer.from('no event') };
    const rows = () => new MongoDocumentStore(databases.documents).unsound(plan, 10);

    it('has its later records wait in order, and is in doubt, also one that was never seen', async () => {
      const unheld = order(2, '12345678901234.00', 3);
      const batch = [order(1, '1.00', 1), poison, unheld, order(1, '6.00', 6), order(2, '7.00', 7)];
      const { failures, waiting } = await sutOn().apply(context(), batch);
      expect(failures.map(({ record }) => record.offset)).toEqual([2n, 3n]);
      expect(waiting.map(({ record, row }) => [record.offset, row])).toEqual([
        [6n, failures[0]?.row],
        [7n, failures[1]?.row],
      ]);
      expect(await read(1)).toMatchObject({ root: { amount: '1.00' }, incomplete: true });
      expect(await rows()).toEqual(
        expect.arrayContaining([
          ['EU', '1'],
          ['EU', '2'],
        ]),
      );
    });

    it('has them wait in later batches too, whatever the format of the key', async () => {
      const { failures } = await sutOn().apply(context(), [order(1, '1.00', 1), poison]);
      const schema = { type: 'struct', fields: [] };
      const key = Buffer.from(JSON.stringify({ schema, payload: { number: 1, region: 'EU' } }));
      const parked = new Map([[failures[0]?.row ?? '', { epoch: 1, offset: 2n }]]);
      const batch = [order(1, '1.00', 1), { ...order(1, '3.00', 3), key }, order(2, '4.00', 4)];
      const later = await sutOn().apply(context({ parked }), batch);
      expect(later.waiting.map(({ record }) => record.offset)).toEqual([3n]);
      expect((await read(1))?.root.amount).toBe('1.00');
      expect((await read(2))?.root.amount).toBe('4.00');
    });

    it('is put in doubt anew by each of them, so that no older read of the source settles it', async () => {
      const { failures } = await sutOn().apply(context(), [order(1, '1.00', 1), poison]);
      const revision = async () =>
        (await new MongoDocumentStore(databases.documents).load(plan, [['EU', '1']]))[0]?.revision;
      const before = (await revision()) ?? 0;
      const parked = new Map([[failures[0]?.row ?? '', { epoch: 1, offset: 2n }]]);
      await sutOn().apply(context({ parked }), [order(1, '3.00', 3)]);
      expect(await revision()).toBe(before + 1);
    });

    it('takes them all once they can be applied, and shows before what that would do', async () => {
      const batch = [order(1, '1.00', 1), poison, order(1, '3.00', 3)];
      await sutOn().apply(context(), batch);
      const mended = [{ ...poison, value: order(1, '2.00', 2).value }, order(1, '3.00', 3)];
      const rehearsed = await sutOn().rehearse(context(), [...mended, order(1, '0.50', 1)]);
      expect(rehearsed.outcomes).toEqual({ applied: 2, unchanged: 0, stale: 1, recheck: 0 });
      expect((await read(1))?.root.amount).toBe('1.00');
      expect((await sutOn().rehearse(context(), batch)).failures).toHaveLength(1);
      await sutOn().apply(context(), mended);
      expect(await read(1)).toEqual({
        root: { region: 'EU', number: '1', amount: '3.00' },
        embeds: { lines: [] },
      });
      expect(await rows()).toEqual([]);
    });

    it('is left in doubt by a child too, where the child tells its parent', async () => {
      await sutOn().apply(context(), [order(1, '1.00', 1), line(1, 1, '1.00', 1)]);
      const { failures } = await sutOn().apply(context(), [
        line(1, 1, '123456789.00', 2),
        line(1, 2, '2.00', 2),
      ]);
      expect(failures).toHaveLength(1);
      expect(await read(1)).toMatchObject({
        incomplete: true,
        embeds: {
          lines: [
            { line_no: 1, price: '1.00' },
            { line_no: 2, price: '2.00' },
          ],
        },
      });
    });
  });

  it('puts records aside whose offsets order nothing any more', async () => {
    await sutOn().apply(context(), [order(1, '1.00', 5)]);
    const elsewhere = { ...order(1, '2.00', 6), partition: 1 };
    const { failures, waiting } = await sutOn().apply(context(), [elsewhere, order(1, '3.00', 7)]);
    expect(failures.map(({ code }) => code)).toEqual(['version_incomparable']);
    expect(waiting.map(({ record }) => record.offset)).toEqual([7n]);
    expect(await read(1)).toMatchObject({ root: { amount: '1.00' }, incomplete: true });
  });

  it('keeps what an unknown column brings, digit by digit, also when it comes again', async () => {
    const key = { region: 'EU', number: 1 };
    const record = (at: number): TestRecord => {
      const one = aRecord({
        topic: ORDERS,
        table: 'public.order',
        op: 'u',
        key,
        after: { ...key, amount: '1.00', extra: 'DIGITS' },
        lsn: at,
        offset: at,
      });
      return { ...one, value: Buffer.from(one.value.toString().replace('"DIGITS"', '9007199254740993')) };
    };
    const { unknown } = await sutOn().apply(context(), [record(1), record(2)]);
    expect([...unknown.values()]).toEqual([
      expect.objectContaining({ table: 'public.order', column: 'extra', count: 2 }),
    ]);
    const [stored] = await new MongoDocumentStore(databases.documents).load(plan, [['EU', '1']]);
    expect(stored?.root?.unmapped).toEqual({ extra: '9007199254740993' });
    const later = await sutOn().apply(context(), [record(3)]);
    expect(later.outcomes.unchanged).toBe(1);
  });

  describe('behind a raised fence', () => {
    it('gives the batch back when the term was raised meanwhile', async () => {
      await ensureCollection(databases.documents, plan, 2);
      const old = sutOn().apply(context({ isCurrent: async () => false }), [order(1, '1.00', 1)]);
      await expect(old).rejects.toMatchObject({ code: 'state_conflict', retryable: true });
      const { failures } = await sutOn().apply(context({ term: 2 }), [order(1, '1.00', 1)]);
      expect(failures).toEqual([]);
    });

    it('puts the records aside when the term is the right one and the document is not', async () => {
      await databases.rogue.command({ collMod: plan.collection, validator: { amount: { $exists: false } } });
      const batch = [order(1, '1.00', 1), order(1, '2.00', 2), order(2, '1.00', 3)];
      const { failures, waiting } = await sutOn().apply(context(), batch);
      expect(failures.map(({ code, record }) => [code, record.offset])).toEqual([
        ['value_invalid', 1n],
        ['value_invalid', 3n],
      ]);
      expect(waiting.map(({ record }) => record.offset)).toEqual([2n]);
      expect(failures[0]?.reason).toMatch(/MongoDB refused the document/);
    });
  });

  it('fails the whole batch while MongoDB is away, so that it comes again', async () => {
    const away = openMongo('mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=200', 'away');
    try {
      const sut = sutOn(new MongoDocumentStore(away.db('estate')));
      await expect(sut.apply(context(), [order(1, '1.00', 1)])).rejects.toMatchObject({
        code: 'mongo_unavailable',
        retryable: true,
      });
    } finally {
      await away.close();
    }
  });
});

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
