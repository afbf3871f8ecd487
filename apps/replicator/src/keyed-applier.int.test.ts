import fc from 'fast-check';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Plan } from '#core/plan';
import type { Parked } from '#core/ports/dead-letters';
import { PLAIN_FORM, RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { keyedDigest } from '#observability/digest';
import { openLog } from '#observability/log';
import { aRecord } from '#testing/debezium-records';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { aField, aPlan } from '#testing/plans';
import { type ApplyContext, BatchApplier } from './batch-applier.ts';
import type { KeyedPath } from './keyed-applier.ts';
import { Counts } from './tally.ts';
import { KeyedThreads } from './threads/keyed-threads.ts';

const TOPIC = 'shop.public.order';
const TABLE = 'public.order';
/** Fewer than that go the way of single documents. */
const FEW = 31;

const DIGEST_KEY = 'a key of the digests';
const digest = keyedDigest(DIGEST_KEY);
const decoder = new RecordDecoder({ schemas: null, form: () => PLAIN_FORM });

/** For what must not go another way than through threads. */
const NONE: KeyedPath = {
  apply: async () => {
    throw new Error('not in a thread');
  },
};

let databases: TestDatabases;
let threads: KeyedThreads;
let made = 0;

beforeAll(async () => {
  databases = await openTestDatabases();
  threads = aPool();
  await threads.start();
});
afterAll(async () => {
  await threads.close();
  await databases.close();
});

function aPool(own: KeyedPath = NONE): KeyedThreads {
  return new KeyedThreads({
    ...{ mongoUrl: databases.url, database: databases.documents.databaseName, digestKey: DIGEST_KEY },
    ...{ count: 2, worth: FEW + 1, own, log: openLog('test', 'test', 'silent') },
  });
}

async function aCollection(): Promise<Plan> {
  made += 1;
  const { root } = aPlan();
  const fields = [...root.fields, aField('note', { kind: 'string', trim: false, length: null })];
  const plan = aPlan({ unit: `orders_${made}`, collection: `orders_${made}`, root: { ...root, fields } });
  await ensureCollection(databases.documents, plan, 1);
  return plan;
}

/** What became of records that were applied in batches of a size, with what was put aside kept as a replicator does. */
async function applied(plan: Plan, records: readonly LogRecord[], size: number, keyed?: KeyedPath) {
  const sut = new BatchApplier(new MongoDocumentStore(databases.documents), digest, keyed);
  const parked = new Map<string, Parked>();
  const outcomes = { applied: 0, unchanged: 0, stale: 0, recheck: 0 };
  const failed: string[] = [];
  const waiting: string[] = [];
  const unknown: Record<string, number> = {};
  let [snapshotRows, committed] = [0, 0];
  for (let at = 0; at < records.length; at += size) {
    const context: ApplyContext = {
      ...{ plan, decoder, parked, epoch: 1, term: 1, together: 20 },
      epochOf: () => 1,
      incarnations: new Map([[TOPIC, 1]]),
      isCurrent: async () => true,
    };
    const result = await sut.apply(context, records.slice(at, at + size));
    for (const name of ['applied', 'unchanged', 'stale', 'recheck'] as const)
      outcomes[name] += result.outcomes[name];
    for (const { record, row, reason } of result.failures) {
      failed.push(`${record.offset} ${reason.replace(plan.unit, '')}`);
      if (row !== null && !parked.has(row)) parked.set(row, { epoch: 1, offset: record.offset });
    }
    waiting.push(...result.waiting.map(({ record }) => String(record.offset)));
    for (const { column, count } of result.unknown.values()) unknown[column] = (unknown[column] ?? 0) + count;
    for (const rows of result.snapshotRows.values()) snapshotRows += rows;
    committed += result.committedAt.length;
  }
  const documents = await databases.documents.collection(plan.collection).find().sort({ _id: 1 }).toArray();
  return {
    ...{ outcomes, failed: failed.sort(), waiting: waiting.sort(), unknown, snapshotRows, committed },
    documents: documents.map(comparable),
  };
}

/** Who writes a document once writes it fewer times, and what is stored of a field that nobody has seen says nothing. */
function comparable({ _m, ...fields }: Document): Document {
  const missing: readonly string[] = _m.miss ?? [];
  const seen = Object.entries(fields).filter(([name]) => !missing.includes(name));
  return { ...Object.fromEntries(seen), _m: { ..._m, n: 0 } };
}

const kinds = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom('u', 'c', 'r') },
  { weight: 6, arbitrary: fc.constantFrom('d', 'tombstone', 'again', 'unknown') },
  { weight: 2, arbitrary: fc.constant('left-out') },
  {
    weight: 1,
    arbitrary: fc.constantFrom('broken', 'no-json', 'no-key', 'bad-key', 'foreign'),
  },
);
const histories = fc.array(fc.record({ kind: kinds, number: fc.nat(60), back: fc.nat(40) }), {
  minLength: 80,
  maxLength: 200,
});

function recordOf(
  { kind, number, back }: { kind: string; number: number; back: number },
  at: number,
): LogRecord {
  const key = { region: 'EU', number };
  const after = { ...key, amount: `${at}.00`, note: `of ${at}` };
  const given = { topic: TOPIC, table: TABLE, key, offset: at, lsn: at };
  const whole = aRecord({ ...given, op: 'u', after });
  switch (kind) {
    case 'd':
      return aRecord({ ...given, op: 'd', before: { ...key, amount: null, note: null } });
    case 'tombstone':
      return { ...whole, value: null };
    case 'again':
      return aRecord({ ...given, op: 'u', after, lsn: Math.max(1, at - back) });
    case 'unknown':
      return aRecord({ ...given, op: 'u', after: { ...after, added: at } });
    case 'left-out':
      return aRecord({ ...given, op: 'u', after: { ...after, note: '__debezium_unavailable_value' } });
    case 'broken':
      return aRecord({ ...given, op: 'u', after: { ...after, amount: 'x' } });
    case 'no-json':
      return { ...whole, value: Buffer.from('{"op":') };
    case 'other-key':
      return aRecord({ ...given, op: 'u', after, key: { ...key, number: number + 1 } });
    case 'no-key':
      return { ...whole, key: null };
    case 'bad-key':
      return { ...whole, key: Buffer.from('{"region":"EU"}') };
    case 'foreign':
      return aRecord({ ...given, op: 'u', after, table: 'public.other' });
    default:
      return aRecord({ ...given, op: kind as 'u' | 'c' | 'r', after });
  }
}

describe('KeyedApplier', () => {
  it.each([
    ['here', () => undefined],
    ['in threads', () => threads],
  ])('makes of any records what becomes of them when each batch is read in full, %s', async (_name, path) => {
    await fc.assert(
      fc.asyncProperty(histories, fc.integer({ min: 33, max: 200 }), async (history, size) => {
        const records = history.map((one, at) => recordOf(one, at + 1));
        const [one, other] = [await aCollection(), await aCollection()];
        const expected = await applied(one, records, FEW);
        expect(await applied(other, records, size, path())).toEqual(expected);
      }),
      { numRuns: 25 },
    );
  });

  it('goes by what the rows say where keys say otherwise', async () => {
    const [one, other] = [await aCollection(), await aCollection()];
    const records = Array.from({ length: 120 }, (_, at) =>
      recordOf({ kind: at % 3 === 0 ? 'other-key' : 'u', number: at % 50, back: 0 }, at + 1),
    );
    const expected = await applied(one, records, FEW);
    const { documents } = await applied(other, records, 60);
    expect(documents).toEqual(expected.documents);
    expect(documents).toHaveLength(50);
  });

  it('takes documents for new where those before were, and reads those that are not', async () => {
    const plan = await aCollection();
    const insert = (from: number, count: number): LogRecord[] =>
      Array.from({ length: count }, (_, at) =>
        recordOf({ kind: 'c', number: from + at, back: 0 }, from + at + 1),
      );
    await applied(plan, insert(100, 10), FEW);
    const records = [...insert(0, 40), ...insert(40, 80)];
    const { outcomes, documents } = await applied(plan, records, 40);
    expect(outcomes).toEqual({ applied: 110, unchanged: 0, stale: 10, recheck: 0 });
    expect(documents).toHaveLength(120);
  });
});

describe('KeyedThreads', () => {
  const rows = (count: number, kind = 'c') =>
    Array.from({ length: count }, (_, at) => recordOf({ kind, number: at, back: 0 }, at + 1));

  it('tells where each record that is left, and each unknown column, stands', async () => {
    const plan = await aCollection();
    const records = [
      ...rows(40),
      ...rows(50, 'unknown').slice(40),
      recordOf({ kind: 'broken', number: 60, back: 0 }, 99),
    ];
    const { failed, unknown, outcomes } = await applied(plan, records, records.length, threads);
    expect(failed).toEqual([expect.stringMatching(/^99 .*amount/)]);
    expect(unknown).toEqual({ added: 10 });
    expect(outcomes).toEqual({ applied: 50, unchanged: 0, stale: 0, recheck: 1 });
  });

  it('goes by the plan as it is now', async () => {
    const plan = await aCollection();
    const { root } = plan;
    const records = rows(40, 'unknown');
    const before = await applied(plan, records, records.length, threads);
    const added = { ...plan, root: { ...root, fields: [...root.fields, aField('added', { kind: 'int' })] } };
    await ensureCollection(databases.documents, added, 1);
    const later = records.map((_, at) => recordOf({ kind: 'unknown', number: at, back: 0 }, at + 100));
    const after = await applied(added, later, later.length, threads);
    expect([before.unknown, after.unknown]).toEqual([{ added: 40 }, {}]);
    expect(after.documents.map(({ added: value }) => value)).toEqual(later.map((_, at) => at + 100));
  });

  it('throws what a thread throws, and gives back what it had in hand when it ends', async () => {
    const plan = await aCollection();
    const stale = { ...plan, collection: 'system.none' };
    await expect(applied(stale, rows(40), 40, threads)).rejects.toThrow();
    const ending = aPool();
    await ending.start();
    // Both at once: what is given back comes before the pool has closed.
    await Promise.all([
      expect(applied(plan, rows(2_000), 2_000, ending)).rejects.toMatchObject({ retryable: true }),
      ending.close(),
    ]);
    const { documents } = await applied(plan, rows(2_000), 2_000, threads);
    expect(documents).toHaveLength(2_000);
  });

  it('leaves what is small, and what is Avro, to who holds the registry', async () => {
    const plan = await aCollection();
    const taken: number[] = [];
    const pool = aPool({
      apply: async (_context, records) => {
        taken.push(records.length);
        return { counted: new Counts(), left: [] };
      },
    });
    await pool.start();
    try {
      const context = { plan, decoder, epochOf: () => 1, incarnations: new Map([[TOPIC, 1]]), term: 1 };
      await pool.apply(context, rows(FEW), 20);
      const avro = rows(40).map((record) => ({ ...record, value: Buffer.from([0, 0, 0, 0, 1, 2]) }));
      await pool.apply(context, avro, 20);
      await pool.apply(context, rows(40), 20);
    } finally {
      await pool.close();
    }
    expect(taken).toEqual([FEW, 40]);
  });
});
