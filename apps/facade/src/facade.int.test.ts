import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import fc from 'fast-check';
import type { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { emptyDocument, fold, type RowChange } from '#core/apply';
import type { CanonicalDocument } from '#core/document';
import { keyText } from '#core/key';
import type { Phase } from '#core/phase';
import { keyFields, type Plan } from '#core/plan';
import type { DocumentStore } from '#core/ports/document-store';
import { isOrdered } from '#core/query-parse';
import { keyOf, renderDocument } from '#core/render';
import { PostgresStore } from '#legacy/postgres/store';
import { openMongo } from '#mongo/connection';
import { type Control, controlOf } from '#mongo/control/control';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { keyedDigest } from '#observability/digest';
import { openLog } from '#observability/log';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { ordersPlan as plan } from '#testing/orders-plan';
import { ORDERS_SQL } from '#testing/orders-postgres';
import { documentOf } from '#testing/random-documents';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { TcpGate } from '#testing/tcp-gate';
import { assemble } from './assembly.ts';
import { createFacade } from './facade.ts';

/** The facade on a real PostgreSQL and a real MongoDB that hold the same documents. */

const DOCUMENTS = 100;

let postgres: ScratchDatabase;
let mongo: TestDatabases;
let gate: TcpGate;
let gated: MongoClient;
let legacy: PostgresStore;
let control: Control;
let app: NestFastifyApplication;

beforeAll(async () => {
  [postgres, mongo] = await Promise.all([scratchDatabase(), openTestDatabases()]);
  await postgres.sql(ORDERS_SQL);
  gate = await gateBeforeMongo();
  gated = openGated(gate);
  legacy = new PostgresStore('shop', { url: postgres.url, slot: 'none' });
  control = controlOf(mongo.control, systemClock);
  await control.plans.put(plan, '', 'test');
  await ensureCollection(mongo.documents, plan, 1);
  app = await startFacade('facade-test', gated);
  await until(async () => (await get('/health/ready')).status === 200);
});

afterAll(async () => {
  await app.close();
  await gated.close();
  await gate.close();
  await legacy.close();
  await Promise.all([mongo.close(), postgres.drop()]);
});

async function gateBeforeMongo(): Promise<TcpGate> {
  const { hostname, port } = new URL(mongo.url);
  return await TcpGate.before(hostname, Number(port));
}

/** A client that knows MongoDB by the gate only. */
function openGated(by: TcpGate): MongoClient {
  const address = new URL(mongo.url);
  address.port = String(by.port);
  address.searchParams.delete('replicaSet');
  address.searchParams.set('directConnection', 'true');
  return openMongo(address.href, 'facade-test');
}

/** A whole facade, listening to nobody but the tests. */
async function startFacade(instance: string, client: MongoClient): Promise<NestFastifyApplication> {
  const { units, instances } = controlOf(client.db(mongo.control.databaseName), systemClock);
  const parts = assemble({
    instance,
    clock: systemClock,
    log: openLog('facade', instance, 'silent'),
    units,
    instances,
    documents: new MongoDocumentStore(client.db(mongo.documents.databaseName)),
    legacy: new Map([['shop', legacy]]),
    connect: () => client.connect(),
    close: async () => undefined,
  });
  const started = await createFacade(parts);
  await started.init();
  await started.getHttpAdapter().getInstance().ready();
  return started;
}

interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function get(url: string, headers: Record<string, string> = {}): Promise<Got> {
  const got = await app.inject({ method: 'GET', url, headers });
  return { status: got.statusCode, headers: got.headers, body: got.body };
}

async function post(body: string): Promise<Got> {
  const headers = { 'content-type': 'application/json' };
  const sent = await app.inject({ method: 'POST', url: '/v1/orders', headers, payload: body });
  return { status: sent.statusCode, headers: sent.headers, body: sent.body };
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  await vi.waitUntil(holds, { timeout: 15_000, interval: 20 });
}

async function flip(phase: Phase): Promise<void> {
  const unit = await control.units.read(plan.unit);
  if (unit === null) throw new Error('the unit is gone');
  const { epoch, term } = unit.state;
  await control.units.advance(unit.state, { phase, epoch, term: term + 1, transition: null }, 'test');
}

/** Says, as a replicator would, that MongoDB is up to date. */
async function report(lagMs: number): Promise<void> {
  await control.status.put({
    planVersion: 1,
    unit: plan.unit,
    at: new Date().toISOString(),
    lagMs,
    backlog: 0,
    snapshot: { complete: true, rows: 0, total: 0, startedAt: null, completedAt: null },
  });
}

/** Copies a document into MongoDB as a fresh read would be. */
async function mirror(store: DocumentStore, by: Plan, document: CanonicalDocument): Promise<void> {
  const key = keyOf(keyFields(by.root), document.root);
  const evidence = { kind: 'fresh', epoch: 1 } as const;
  const change = (embed: RowChange['embed'], content: CanonicalDocument['root']): RowChange => ({
    key,
    embed,
    evidence,
    committedAt: null,
    effect: { kind: 'upsert', content, unavailable: [], unmapped: {} },
  });
  const changes = [
    change(null, document.root),
    ...by.embeds.flatMap((embed) =>
      (document.embeds[embed.path] ?? []).map((row) =>
        change({ path: embed.path, childKey: keyOf(keyFields(embed), row) }, row),
      ),
    ),
  ];
  const before = emptyDocument(key);
  const after = fold(before, changes, keyedDigest('0123456789abcdef')).document;
  const { conflicts, rejected } = await store.save(by, 1, [{ before, after }]);
  expect([conflicts, rejected]).toEqual([[], []]);
}

interface PageBody {
  readonly items: readonly Readonly<Record<string, unknown>>[];
  readonly next: string | null;
}

/** All pages from one store, as text, without the cursors, which name the store. */
async function walk(query: string, store: string): Promise<readonly string[]> {
  const pages: string[] = [];
  let cursor = '';
  do {
    const got = await get(`/v1/orders?${query}${cursor}`, { 'ficus-read-from': store });
    expect(got.headers['ficus-store'], got.body).toBe(store);
    const { next } = JSON.parse(got.body) as PageBody;
    pages.push(got.body.replace(/"next":.*$/, ''));
    cursor = next === null ? '' : `&cursor=${next}`;
  } while (cursor !== '');
  return pages;
}

describe('the same documents in both stores', () => {
  const locations: string[] = [];

  beforeAll(async () => {
    const documents = fc.sample(documentOf(plan), DOCUMENTS);
    const store = new MongoDocumentStore(mongo.documents);
    for (const document of documents) {
      const sent = await post(JSON.stringify(renderDocument(plan, document)));
      if (sent.status === 409 || sent.status === 422) continue;
      expect(sent.status, sent.body).toBe(201);
      locations.push(String(sent.headers.location));
      const key = keyOf(keyFields(plan.root), document.root);
      const stored = await legacy.readOne(plan, key);
      if (stored === null) throw new Error(`${keyText(key)} was created and is not there`);
      await mirror(store, plan, stored);
    }
    expect(locations.length).toBeGreaterThan(DOCUMENTS / 2);
  });

  it('are the same bytes with the same tag, one by one', async () => {
    for (const location of locations) {
      const fromLegacy = await get(location, { 'ficus-read-from': 'legacy' });
      const fromMongo = await get(location, { 'ficus-read-from': 'mongodb' });
      expect(fromLegacy.status, fromLegacy.body).toBe(200);
      expect(fromMongo.body).toBe(fromLegacy.body);
      expect(fromMongo.headers.etag).toBe(fromLegacy.headers.etag);
    }
  });

  interface Case {
    readonly query: string;
  }
  const sorts = plan.root.fields.filter(isOrdered).flatMap(({ path }) => [path, `-${path}`]);
  const cases: readonly Case[] = [
    { query: 'limit=19' },
    { query: 'limit=1000' },
    ...sorts.map((sort) => ({ query: `limit=29&sort=${sort}` })),
    { query: 'limit=13&sort=customer.vip,-pieces,amount' },
    { query: 'limit=20&filter[customer.vip]=true' },
    { query: 'limit=20&filter[customer.vip]=null' },
    { query: 'limit=20&filter[customer.vip][ne]=true' },
    { query: 'limit=20&filter[pieces][gte]=0&filter[pieces][lt]=20000' },
    { query: 'limit=20&filter[amount][gt]=5000000000' },
    { query: 'limit=20&filter[number][lte]=0&sort=-number' },
    { query: 'limit=20&filter[orderedOn][gte]=2000-01-01&sort=orderedOn' },
    { query: 'limit=20&filter[changedAt][lt]=2000-01-01T00:00:00Z&sort=changedAt' },
    { query: 'limit=20&filter[customer.name][gte]=a' },
    { query: 'limit=20&filter[note][in]=null,\\null' },
    { query: 'limit=20&filter[extra]=null' },
    { query: 'limit=20&filter[weight][gt]=0' },
  ];
  it.each(cases)('are listed alike by $query', async ({ query }) => {
    const [fromLegacy, fromMongo] = [await walk(query, 'legacy'), await walk(query, 'mongodb')];
    expect(fromMongo).toEqual(fromLegacy);
  });

  // The last one, since it moves the row versions of legacy on.
  it('go back as a PUT that changes nothing but what the database counts', async () => {
    for (const location of locations.slice(0, 30)) {
      const before = await get(location, { 'ficus-read-from': 'legacy' });
      const headers = { 'content-type': 'application/json' };
      const sent = await app.inject({ method: 'PUT', url: location, headers, payload: before.body });
      expect(sent.statusCode, sent.body).toBe(200);
      const { rowVersion: _old, ...kept } = JSON.parse(before.body) as Record<string, unknown>;
      const { rowVersion: _new, ...now } = JSON.parse(sent.body) as Record<string, unknown>;
      expect(now).toEqual(kept);
      const stored = JSON.parse((await get(location, { 'ficus-read-from': 'legacy' })).body) as object;
      expect(stored).toEqual(JSON.parse(sent.body));
    }
  });
});

describe('a flip', () => {
  it('is seen within a second, without a restart', async () => {
    await report(0);
    await flip('offload');
    const start = Date.now();
    await until(async () => {
      await report(0);
      return (await get('/v1/orders?limit=1')).headers['ficus-store'] === 'mongodb';
    });
    expect(Date.now() - start).toBeLessThan(1_000);
  });

  it('is safe from a lag: legacy answers, and the answer says so', async () => {
    await report(60_000);
    await until(async () => (await get('/v1/orders?limit=1')).headers['ficus-fallback'] === 'lag');
  });

  it('is alive to the admin', async () => {
    expect(await control.instances.alive('facade', 5_000)).toMatchObject([{ id: 'facade-test' }]);
  });
});

describe('without MongoDB', () => {
  it('legacy answers in offload and says why, readiness names it, and all is well once it is back', async () => {
    await report(0);
    await until(async () => (await get('/v1/orders?limit=1')).headers['ficus-store'] === 'mongodb');
    gate.shut();
    const got = await get('/v1/orders?limit=1');
    expect(got.status, got.body).toBe(200);
    expect(got.headers).toMatchObject({ 'ficus-store': 'legacy', 'ficus-fallback': 'mongodb-unavailable' });
    await until(async () => (await get('/health/ready')).body.includes('"degraded"'));
    const { dependencies } = JSON.parse((await get('/health/ready')).body) as {
      dependencies: { name: string; up: boolean }[];
    };
    expect(dependencies).toEqual([
      expect.objectContaining({ name: 'mongodb', up: false, reason: expect.stringContaining('MongoDB') }),
      expect.objectContaining({ name: 'legacy:shop', up: true }),
    ]);
    const write = await post('{"region":"X","number":"1","customer":{"name":"A"},"amount":"1"}');
    expect(write.status, write.body).toBe(201);
    gate.open();
    await until(async () => {
      await report(0);
      return (await get('/v1/orders?limit=1')).headers['ficus-store'] === 'mongodb';
    });
    expect(JSON.parse((await get('/health/ready')).body)).toMatchObject({ status: 'up' });
  });

  it('a facade starts, says what it waits for, and serves once MongoDB comes', async () => {
    const late = await gateBeforeMongo();
    late.shut();
    const client = openGated(late);
    const waiting = await startFacade('facade-late', client);
    const ask = async (url: string): Promise<number> =>
      (await waiting.inject({ method: 'GET', url })).statusCode;
    expect(await ask('/health/live')).toBe(200);
    expect(await ask('/health/ready')).toBe(503);
    expect(await ask('/v1/orders')).toBe(503);
    // It must have failed at least once, since the driver treats its first connection differently.
    await until(async () => {
      const { body } = await waiting.inject({ method: 'GET', url: '/health/ready' });
      return body.includes('MongoDB: ');
    });
    late.open();
    await until(async () => (await ask('/health/ready')) === 200);
    expect(await ask('/v1/orders')).toBe(200);
    await waiting.close();
    await client.close();
    await late.close();
  });
});
