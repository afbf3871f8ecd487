import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { StoredDocument } from '#core/apply';
import type { Plan } from '#core/plan';
import type { Verification } from '#core/reconcile';
import { openRedis } from '#jobs/redis';
import { BullVerificationQueue } from '#jobs/verification-queue';
import { BullVerificationWorker } from '#jobs/verification-worker';
import { PostgresStore } from '#legacy/postgres/store';
import { type Control, controlOf } from '#mongo/control/control';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock as clock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { addressOf } from '#testing/address';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { aPlan } from '#testing/plans';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { migrateControl } from '../../../migrations/control/run.ts';
import { Agenda } from './agenda.ts';
import { FullScan } from './full-scan.ts';
import { Meters } from './meters.ts';
import { Reconciler } from './reconciler.ts';

const ROWS = 5_000;

let databases: TestDatabases;
let postgres: ScratchDatabase;
let legacy: PostgresStore;
let control: Control;
let prefix: string;
const running: { reconciler: Reconciler; redis: Redis }[] = [];

beforeAll(async () => {
  databases = await openTestDatabases();
  postgres = await scratchDatabase();
  legacy = new PostgresStore('shop', { url: postgres.url, slot: 'none' });
  control = controlOf(databases.control, clock);
  await migrateControl(databases.control, { by: 'test', clock });
  await postgres.sql(
    `CREATE TABLE public."order" (region text, number bigint, amount numeric(12, 2), PRIMARY KEY (region, number));
     INSERT INTO public."order" SELECT 'r' || n % 7, n, n / 100.0 FROM generate_series(1, ${ROWS}) AS n`,
  );
});
afterAll(async () => {
  await legacy.close();
  await postgres.drop();
  await databases.close();
});
beforeEach(() => {
  prefix = `test-${randomUUID()}`;
});
afterEach(async () => {
  for (const { reconciler, redis } of running.splice(0)) {
    await reconciler.stop();
    redis.disconnect();
  }
});

/** A reconciler on real servers; the watermark stands still or moves as the test says. */
function start(): { reconciler: Reconciler; redis: Redis; stopping: AbortController } {
  const redis = openRedis(addressOf('TEST_REDIS_URL'), () => undefined);
  const log = pino({ level: 'silent' });
  const dependencies = new Dependencies(clock);
  const { units, verifications, instances } = control;
  const queue = new BullVerificationQueue({ redis, clock, newId: randomUUID, prefix });
  const stopping = new AbortController();
  const reconciler = new Reconciler({
    agenda: new Agenda({
      units,
      verifications,
      instances,
      queue,
      dependencies,
      clock,
      log,
      instance: 'test',
    }),
    scan: new FullScan({
      units,
      verifications,
      documents: new MongoDocumentStore(databases.documents),
      watermark: { passed: async () => true },
      legacyOf: () => legacy,
      dependencies,
      clock,
      log,
    }),
    meters: new Meters(new Registry()),
    openWorker: (handle) => new BullVerificationWorker({ redis, handle, prefix, trouble: () => undefined }),
    stopping,
  });
  reconciler.start();
  running.push({ reconciler, redis });
  return { reconciler, redis, stopping };
}

/** A unit whose documents are what legacy has. */
async function replicated(changes: Partial<Plan['reconcile']> = {}): Promise<Plan> {
  const unit = `unit-${randomUUID()}`;
  const base = aPlan({ unit, collection: unit });
  const plan = { ...base, reconcile: { ...base.reconcile, ...changes } };
  await ensureCollection(databases.documents, plan, 1);
  const documents = new MongoDocumentStore(databases.documents);
  const sort = plan.root.fields.slice(0, 2).map((field) => ({ field, descending: false }));
  const page = await legacy.list(plan, { filters: [], sort, limit: ROWS, after: null });
  const writes = page.documents.map(({ root }) => {
    const key = [root.region ?? null, root.number ?? null];
    const before: StoredDocument = { key, revision: null, root: null, embeds: {}, committedAt: null };
    const version = { epoch: 1, streamed: 1n, written: null, snapshot: null, log: null, counter: null };
    const row = {
      version,
      live: true,
      digest: 'x',
      incomplete: [],
      doubtful: false,
      content: root,
      unmapped: {},
    };
    return { before, after: { ...before, revision: 1, root: row } };
  });
  expect(await documents.save(plan, 1, writes)).toEqual({ conflicts: [], rejected: [] });
  await control.plans.put(plan, 'text', 'owner');
  return plan;
}

async function request(unit: string): Promise<string> {
  const redis = openRedis(addressOf('TEST_REDIS_URL'), () => undefined);
  const queue = new BullVerificationQueue({ redis, clock, newId: randomUUID, prefix });
  const id = await queue.request(unit, 'ann');
  await queue.close();
  redis.disconnect();
  return id;
}

async function until(id: string, holds: (run: Verification) => boolean): Promise<Verification> {
  return await vi.waitFor(
    async () => {
      const run = await control.verifications.read(id);
      if (run === null || !holds(run)) throw new Error(JSON.stringify(run));
      return run;
    },
    { timeout: 45_000, interval: 50 },
  );
}

const hasEnded = (run: Verification): boolean => run.finishedAt !== null;
const isUnderWay = (run: Verification): boolean => run.rowsCompared > 0 && run.finishedAt === null;

it('passes two equal stores', async () => {
  start();
  const { unit } = await replicated();
  const run = await until(await request(unit), hasEnded);
  expect(run).toMatchObject({
    state: 'passed',
    requestedBy: 'ann',
    rowsCompared: ROWS,
    rowsTotal: ROWS,
    inFlight: 0,
  });
});

it('confirms what a rogue did', async () => {
  start();
  const plan = await replicated();
  const rogue = databases.rogue.collection(plan.collection);
  const [gone, changed] = await rogue.find().limit(2).toArray();
  if (gone === undefined || changed === undefined) throw new Error('two documents were just saved');
  await rogue.deleteOne({ _id: gone._id });
  await rogue.updateOne({ _id: changed._id }, { $set: { amount: null } });
  await postgres.sql(`DELETE FROM public."order" WHERE number = ${ROWS}`);
  try {
    const run = await until(await request(plan.unit), hasEnded);
    expect(run).toMatchObject({ state: 'failed', rowsCompared: ROWS, missing: 1, extra: 1, different: 1 });
    expect(run.differences.find((one) => one.kind === 'different')?.fields).toEqual(['/amount']);
    expect(run.differences.find((one) => one.kind === 'extra')?.key).toMatch(new RegExp(`,${ROWS}$`));
  } finally {
    await postgres.sql(`INSERT INTO public."order" VALUES ('r${ROWS % 7}', ${ROWS}, ${ROWS / 100})`);
  }
});

it('goes on in another worker when its own is stopped', async () => {
  const { reconciler } = start();
  const { unit } = await replicated({ maxRowsPerSecond: 1_000 });
  const id = await request(unit);
  const before = await until(id, isUnderWay);
  expect(before.progress?.rowsPerSecond).toBeGreaterThan(0);
  await reconciler.stop();
  const left = await control.verifications.read(id);
  expect(left).toMatchObject({ state: 'running' });
  start();
  const run = await until(id, hasEnded);
  expect(run).toMatchObject({ state: 'passed', rowsCompared: ROWS, startedAt: before.startedAt });
});

it('goes on in another worker when its own vanishes', async () => {
  const { redis, stopping } = start();
  const { unit } = await replicated({ maxRowsPerSecond: 1_000 });
  const id = await request(unit);
  await until(id, isUnderWay);
  // As after kill -9: no word to Redis any more, nothing saved.
  redis.disconnect();
  stopping.abort(new Error('killed'));
  start();
  expect(await until(id, hasEnded)).toMatchObject({ state: 'passed', rowsCompared: ROWS });
});

it('is found again after Redis has lost everything', async () => {
  const { reconciler, redis } = start();
  const { unit } = await replicated({ maxRowsPerSecond: 1_000 });
  const id = await request(unit);
  await until(id, isUnderWay);
  await reconciler.stop();
  const keys = await openedKeys(redis);
  expect(keys.length).toBeGreaterThan(0);
  await redis.del(keys);
  start();
  expect(await until(id, hasEnded)).toMatchObject({ state: 'passed', rowsCompared: ROWS });
});

async function openedKeys(redis: Redis): Promise<string[]> {
  return await redis.keys(`${prefix}:*`);
}

it('runs by the schedule of the plan', async () => {
  start();
  const { unit } = await replicated({ schedule: '* * * * * *' });
  const run = await vi.waitFor(
    async () => {
      const [newest] = await control.verifications.history(unit, 1);
      if (newest === undefined || !hasEnded(newest)) throw new Error('not yet');
      return newest;
    },
    { timeout: 30_000, interval: 100 },
  );
  expect(run).toMatchObject({ state: 'passed', requestedBy: 'schedule', rowsCompared: ROWS });
});
