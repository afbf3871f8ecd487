import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Plan } from '#core/plan';
import { PLAIN_FORM, RecordDecoder } from '#debezium/decoder';
import { openMongo } from '#mongo/connection';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { aRecord, type TestRecord } from '#testing/debezium-records';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { aField, aPlan } from '#testing/plans';
import { type ApplyContext, BatchApplier, type BatchResult } from './batch-applier.ts';

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
  term: 1,
  incarnations: new Map([
    [ORDERS, 1],
    [LINES, 1],
  ]),
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
    const { failures, outcomes } = await sutOn().apply(context(), [
      order(1, '1.00', 1),
      poison,
      unheld,
      foreign,
      order(1, '5.00', 5),
    ]);
    expect(failures.map(({ record, code }) => [record.offset, code])).toEqual([
      [2n, 'event_unparsable'],
      [3n, 'value_invalid'],
      [4n, 'event_unsupported'],
    ]);
    expect(failures[1]?.reason).toMatch(/column amount of public\.order/);
    expect(outcomes.applied).toBe(2);
    expect((await read(1))?.root.amount).toBe('5.00');
  });

  it('puts records aside whose offsets order nothing any more', async () => {
    await sutOn().apply(context(), [order(1, '1.00', 5)]);
    const elsewhere = { ...order(1, '2.00', 6), partition: 1 };
    const { failures } = await sutOn().apply(context(), [elsewhere, order(1, '3.00', 7)]);
    expect(failures.map(({ code }) => code)).toEqual(['version_incomparable']);
    expect((await read(1))?.root.amount).toBe('3.00');
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
      const { failures } = await sutOn().apply(context(), [order(1, '1.00', 1), order(1, '2.00', 2)]);
      expect(failures.map(({ code, record }) => [code, record.offset])).toEqual([
        ['value_invalid', 1n],
        ['value_invalid', 2n],
      ]);
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
