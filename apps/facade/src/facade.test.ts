import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import type { Phase } from '#core/phase';
import type { Plan } from '#core/plan';
import type { Problem } from '#core/problem';
import type { Unit } from '#core/unit-state';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { HandClock } from '#testing/hand-clock';
import { MemoryLegacyStore } from '#testing/memory-legacy-store';
import { ordersPlan } from '#testing/orders-plan';
import { DocumentReader } from './document-reader.ts';
import { DocumentWriter } from './document-writer.ts';
import { createFacade } from './facade.ts';
import { Stores } from './stores.ts';
import { UnitRegistry } from './unit-registry.ts';

/** The HTTP behaviour of the facade, on stores in memory; what real servers add is in facade.int.test.ts. */

const ADA = { region: 'EU', number: '7', customer: { name: 'Ada' }, amount: '1.50' };

let app: NestFastifyApplication;
let clock: HandClock;
let legacy: MemoryLegacyStore;
let mongodb: MemoryLegacyStore;
let registry: UnitRegistry;
let units: Unit[] | null;

function unitOf(plan: Plan, phase: Phase, lagMs: number | null = 0): Unit {
  const { unit } = plan;
  return {
    plan,
    planVersion: 1,
    state: { unit, phase, epoch: 1, term: 1, revision: 1, since: clock.iso(), transition: null },
    replication: {
      unit,
      at: clock.iso(),
      lagMs,
      backlog: 0,
      snapshot: { complete: true, rows: 0, total: 0, startedAt: null, completedAt: null },
      counts: { applied: 0, unchanged: 0, stale: 0, recheck: 0, deadLetters: 0 },
    },
  };
}

async function flip(...next: Unit[]): Promise<void> {
  units = next;
  await registry.refresh();
}

beforeEach(async () => {
  clock = new HandClock();
  legacy = new MemoryLegacyStore();
  mongodb = new MemoryLegacyStore();
  const dependencies = new Dependencies(clock);
  const readAll = async (): Promise<readonly Unit[]> => {
    if (units === null) throw new FicusError('mongo_unavailable', 'MongoDB: gone', { retryable: true });
    return units;
  };
  registry = new UnitRegistry({
    units: {
      readAll,
      read: async (name) => (await readAll()).find(({ plan }) => plan.unit === name) ?? null,
      advance: () => Promise.reject(new Error('a facade changes no state')),
    },
    dependencies,
    clock,
  });
  const stores = new Stores(new Map([[ordersPlan.system, legacy]]), mongodb);
  app = await createFacade({
    registry,
    reader: new DocumentReader(registry, stores, clock),
    writer: new DocumentWriter(stores),
    dependencies,
    metrics: new Registry(),
    log: openLog('facade', 'test', 'silent'),
    run: async () => undefined,
    close: async () => undefined,
  });
  await app.init();
  await app.getHttpAdapter().getInstance().ready();
  await flip(unitOf(ordersPlan, 'legacy'), unitOf({ ...ordersPlan, unit: 'archive', mode: 'R' }, 'legacy'));
});

afterEach(async () => {
  await app.close();
});

interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

async function send(
  method: string,
  url: string,
  given: { body?: unknown; headers?: Record<string, string> } = {},
): Promise<Sent> {
  const payload =
    given.body === undefined
      ? undefined
      : typeof given.body === 'string'
        ? given.body
        : JSON.stringify(given.body);
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const headers = { ...(payload === undefined ? {} : { 'content-type': type }), ...given.headers };
  const sent = await app.inject({
    method: method as 'GET',
    url,
    headers,
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: sent.statusCode, headers: sent.headers, body: sent.body };
}

function problemIn(sent: Sent): Problem {
  expect(sent.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(sent.body) as Problem;
  expect(problem.status).toBe(sent.status);
  expect(problem.instance).toMatch(/^urn:ficus:request:[0-9a-f-]{36}$/);
  return problem;
}

describe('a document', () => {
  it('is created, read, replaced, patched and deleted', async () => {
    const created = await send('POST', '/v1/orders', { body: ADA });
    expect(created.status).toBe(201);
    expect(created.headers).toMatchObject({
      location: '/v1/orders/EU,7',
      'ficus-phase': 'legacy',
      'ficus-store': 'legacy',
    });

    const read = await send('GET', '/v1/orders/EU,7');
    expect(read).toMatchObject({ status: 200, body: created.body });
    expect(read.headers.etag).toBe(created.headers.etag);
    expect(JSON.parse(read.body)).toMatchObject({
      customer: { name: 'Ada', vip: null },
      amount: '1.50',
      lines: [],
      address: null,
    });

    const replaced = await send('PUT', '/v1/orders/EU,7', { body: read.body });
    expect(replaced).toMatchObject({ status: 200, body: read.body });

    const patched = await send('PATCH', '/v1/orders/EU,7', {
      body: { pieces: 3, address: { addressId: 1, street: 'Main' } },
    });
    expect(JSON.parse(patched.body)).toMatchObject({
      pieces: 3,
      customer: { name: 'Ada' },
      address: { street: 'Main', city: null },
    });
    const merged = await send('PATCH', '/v1/orders/EU,7', { body: { address: { city: 'Ulm' } } });
    expect(JSON.parse(merged.body)).toMatchObject({ address: { addressId: 1, street: 'Main', city: 'Ulm' } });

    const deleted = await send('DELETE', '/v1/orders/EU,7');
    expect(deleted).toMatchObject({ status: 204, body: '' });
    expect(problemIn(await send('GET', '/v1/orders/EU,7')).code).toBe('document_unknown');
  });

  it('is found by a key with every kind of character', async () => {
    const region = 'ä,/%';
    const created = await send('POST', '/v1/orders', { body: { ...ADA, region } });
    expect(created.headers.location).toBe('/v1/orders/%C3%A4%2C%2F%25,7');
    const read = await send('GET', String(created.headers.location));
    expect(JSON.parse(read.body)).toMatchObject({ region });
  });

  it('is not sent again to a client that has it', async () => {
    const { headers } = await send('POST', '/v1/orders', { body: ADA });
    const etag = String(headers.etag);
    const known = await send('GET', '/v1/orders/EU,7', { headers: { 'if-none-match': etag } });
    expect(known).toMatchObject({ status: 304, body: '' });
    expect(known.headers).toMatchObject({ etag, 'ficus-store': 'legacy' });
    expect((await send('GET', '/v1/orders/EU,7', { headers: { 'if-none-match': '"old"' } })).status).toBe(
      200,
    );
  });

  it('answers HEAD like GET without the body', async () => {
    const created = await send('POST', '/v1/orders', { body: ADA });
    const head = await send('HEAD', '/v1/orders/EU,7');
    expect(head).toMatchObject({ status: 200, body: '' });
    expect(head.headers).toMatchObject({
      etag: created.headers.etag,
      'content-length': String(Buffer.byteLength(created.body)),
    });
  });

  it.each(['PUT', 'PATCH', 'DELETE'])('that is missing answers %s with 404', async (method) => {
    const body = method === 'DELETE' ? {} : { body: method === 'PUT' ? ADA : { pieces: 1 } };
    expect(problemIn(await send(method, '/v1/orders/EU,7', body)).code).toBe('document_unknown');
  });
});

describe('a list', () => {
  beforeEach(async () => {
    for (let number = 1; number <= 5; number++)
      await send('POST', '/v1/orders', { body: { ...ADA, number: String(number), pieces: number % 2 } });
  });

  const numbersIn = (sent: Sent): readonly string[] =>
    (JSON.parse(sent.body) as { items: { number: string }[] }).items.map(({ number }) => number);

  it('is walked page by page in the order asked for', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const page: Sent = await send(
        'GET',
        `/v1/orders?limit=2&sort=-pieces,-number${cursor === '' ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...numbersIn(page));
      cursor = (JSON.parse(page.body) as { next: string | null }).next;
    }
    expect(seen).toEqual(['5', '3', '1', '4', '2']);
  });

  it('is filtered', async () => {
    expect(numbersIn(await send('GET', '/v1/orders?filter[number][gt]=1&filter[pieces]=1'))).toEqual([
      '3',
      '5',
    ]);
    expect(numbersIn(await send('GET', '/v1/orders?filter%5Bnumber%5D%5Bin%5D=2%2C4'))).toEqual(['2', '4']);
  });

  it('gets 410 for a cursor that has outlived its store', async () => {
    await flip(unitOf(ordersPlan, 'offload'));
    await mongodb.write(ordersPlan, {
      kind: 'insert',
      document: { root: { region: 'A', number: '1' }, embeds: {} },
    });
    await mongodb.write(ordersPlan, {
      kind: 'insert',
      document: { root: { region: 'A', number: '2' }, embeds: {} },
    });
    const page = await send('GET', '/v1/orders?limit=1');
    expect(page.headers['ficus-store']).toBe('mongodb');
    const { next } = JSON.parse(page.body) as { next: string };
    await flip(unitOf(ordersPlan, 'legacy'));
    expect(problemIn(await send('GET', `/v1/orders?limit=1&cursor=${next}`)).code).toBe('cursor_expired');
  });
});

describe('a read in offload', () => {
  beforeEach(async () => {
    await send('POST', '/v1/orders', { body: ADA });
    await flip(unitOf(ordersPlan, 'offload'));
    await mongodb.write(ordersPlan, {
      kind: 'insert',
      document: { root: { region: 'EU', number: '7', 'customer.name': 'Ada', amount: '1.50' }, embeds: {} },
    });
  });

  it('comes from MongoDB with the same bytes and the same tag', async () => {
    const fresh = await send('GET', '/v1/orders/EU,7');
    const old = await send('GET', '/v1/orders/EU,7', { headers: { 'ficus-read-from': 'legacy' } });
    expect(fresh.headers['ficus-store']).toBe('mongodb');
    expect(old.headers['ficus-store']).toBe('legacy');
    expect([fresh.body, fresh.headers.etag]).toEqual([old.body, old.headers.etag]);
  });

  interface Case {
    readonly why: string;
    readonly spoil: () => Promise<void>;
    readonly fallback: string;
  }
  const cases: readonly Case[] = [
    { why: 'lags', spoil: () => flip(unitOf(ordersPlan, 'offload', 6_000)), fallback: 'lag' },
    {
      why: 'says nothing of its lag',
      spoil: () => flip(unitOf(ordersPlan, 'offload', null)),
      fallback: 'lag-unknown',
    },
    {
      why: 'fails',
      spoil: async () => {
        mongodb.failure = new FicusError('mongo_unavailable', 'gone', { retryable: true });
      },
      fallback: 'mongodb-unavailable',
    },
    {
      why: 'has answered nothing lately',
      spoil: async () => {
        units = null;
        clock.turn(3_000);
        await registry.refresh();
      },
      fallback: 'mongodb-unavailable',
    },
  ];
  it.each(cases)('falls back to legacy when MongoDB $why', async ({ spoil, fallback }) => {
    await spoil();
    const read = await send('GET', '/v1/orders/EU,7');
    expect(read.status).toBe(200);
    expect(read.headers).toMatchObject({
      'ficus-store': 'legacy',
      'ficus-fallback': fallback,
      'ficus-phase': 'offload',
    });
  });
});

describe('a faulty request', () => {
  interface Case {
    readonly why: string;
    readonly method: string;
    readonly url: string;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
    readonly code: string;
    readonly status: number;
    readonly answers?: Record<string, string>;
  }
  const json = { 'content-type': 'application/json' };
  const cases: readonly Case[] = [
    { why: 'an unknown address', method: 'GET', url: '/v2/orders', code: 'route_unknown', status: 404 },
    { why: 'an unknown unit', method: 'GET', url: '/v1/bills', code: 'unit_unknown', status: 404 },
    {
      why: 'a method of an unknown unit',
      method: 'PUT',
      url: '/v1/bills',
      body: {},
      code: 'unit_unknown',
      status: 404,
    },
    {
      why: 'PUT on a collection',
      method: 'PUT',
      url: '/v1/orders',
      body: {},
      code: 'method_not_allowed',
      status: 405,
      answers: { allow: 'GET, HEAD, OPTIONS, POST' },
    },
    {
      why: 'POST on a document',
      method: 'POST',
      url: '/v1/orders/EU,7',
      body: {},
      code: 'method_not_allowed',
      status: 405,
      answers: { allow: 'GET, HEAD, OPTIONS, PUT, PATCH, DELETE' },
    },
    {
      why: 'a write of a read-only unit',
      method: 'POST',
      url: '/v1/archive',
      body: ADA,
      code: 'unit_read_only',
      status: 405,
      answers: { allow: 'GET, HEAD, OPTIONS' },
    },
    { why: 'a key of too few parts', method: 'GET', url: '/v1/orders/EU', code: 'key_invalid', status: 400 },
    { why: 'a key of another type', method: 'GET', url: '/v1/orders/EU,x', code: 'key_invalid', status: 400 },
    {
      why: 'a key that is not encoded',
      method: 'GET',
      url: '/v1/orders/%E0%A4%A,7',
      code: 'request_invalid',
      status: 400,
    },
    {
      why: 'an unknown parameter',
      method: 'GET',
      url: '/v1/orders?page=2',
      code: 'query_invalid',
      status: 400,
    },
    {
      why: 'a cursor that is none',
      method: 'GET',
      url: '/v1/orders?cursor=x',
      code: 'cursor_invalid',
      status: 400,
    },
    {
      why: 'an unknown store',
      method: 'GET',
      url: '/v1/orders',
      headers: { 'ficus-read-from': 'db2' },
      code: 'request_invalid',
      status: 400,
    },
    { why: 'no body', method: 'POST', url: '/v1/orders', headers: json, code: 'body_invalid', status: 400 },
    { why: 'no JSON', method: 'POST', url: '/v1/orders', body: '{', code: 'body_invalid', status: 400 },
    {
      why: 'another media type',
      method: 'POST',
      url: '/v1/orders',
      body: 'a',
      headers: { 'content-type': 'text/plain' },
      code: 'media_type_unsupported',
      status: 415,
    },
    {
      why: 'plain JSON as a patch',
      method: 'PATCH',
      url: '/v1/orders/EU,7',
      body: {},
      headers: json,
      code: 'media_type_unsupported',
      status: 415,
      answers: { 'accept-patch': 'application/merge-patch+json' },
    },
    {
      why: 'a packed body',
      method: 'POST',
      url: '/v1/orders',
      body: 'x',
      headers: { ...json, 'content-encoding': 'gzip' },
      code: 'media_type_unsupported',
      status: 415,
    },
    {
      why: 'a body of over 1 MiB',
      method: 'POST',
      url: '/v1/orders',
      body: `"${'x'.repeat(1_048_576)}"`,
      code: 'body_too_large',
      status: 413,
    },
  ];
  it.each(cases)(
    'of $why gets $status $code',
    async ({ method, url, body, headers, code, status, answers }) => {
      const sent = await send(method, url, { body, ...(headers === undefined ? {} : { headers }) });
      const problem = problemIn(sent);
      expect(problem).toMatchObject({ code, status });
      expect(sent.headers).toMatchObject(answers ?? {});
    },
  );

  it('names every fault of the body with its pointer', async () => {
    const sent = await send('POST', '/v1/orders', {
      body: { ...ADA, amount: 1.5, pieces: 'x', extra: {}, more: 1 },
    });
    expect(
      problemIn(sent)
        .errors.map(({ pointer }) => pointer)
        .sort(),
    ).toEqual(['/amount', '/extra', '/more', '/pieces']);
  });

  it('refuses bytes that are no text', async () => {
    const sent = await app.inject({
      method: 'POST',
      url: '/v1/orders',
      headers: { 'content-type': 'application/json; charset=utf-8' },
      payload: Buffer.from([0x22, 0xff, 0x22]),
    });
    expect(sent.json()).toMatchObject({ code: 'body_invalid', detail: 'the body is not UTF-8' });
  });

  it('gets 409 for a key that is taken', async () => {
    await send('POST', '/v1/orders', { body: ADA });
    expect(problemIn(await send('POST', '/v1/orders', { body: ADA })).code).toBe('document_exists');
  });

  it('gets 503 with Retry-After when legacy is away', async () => {
    legacy.failure = new FicusError('legacy_unavailable', 'shop: connection refused', { retryable: true });
    const sent = await send('GET', '/v1/orders/EU,7');
    expect(problemIn(sent).code).toBe('legacy_unavailable');
    expect(sent.headers['retry-after']).toBe('1');
  });

  it('answers OPTIONS with what is allowed', async () => {
    expect(await send('OPTIONS', '/v1/orders')).toMatchObject({
      status: 204,
      headers: { allow: 'GET, HEAD, OPTIONS, POST' },
    });
    expect((await send('OPTIONS', '/v1/orders/EU,7')).headers).toMatchObject({
      allow: 'GET, HEAD, OPTIONS, PUT, PATCH, DELETE',
      'accept-patch': 'application/merge-patch+json',
    });
  });
});

describe('beside the resources', () => {
  it('the documentation follows the plans without a restart', async () => {
    const titles = async (): Promise<readonly string[]> => {
      const { paths } = JSON.parse((await send('GET', '/openapi.json')).body) as { paths: object };
      return Object.keys(paths);
    };
    expect(await titles()).toContain('/v1/archive');
    await flip(unitOf({ ...ordersPlan, unit: 'bills' }, 'legacy'));
    expect(await titles()).toEqual(['/v1/bills', '/v1/bills/{key}']);
    const page = await send('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.body).toContain('swagger-ui');
    expect((await send('GET', '/docs/swagger-ui-init.js')).body).toContain('/v1/bills');
    expect((await send('GET', '/docs/swagger-ui.css')).status).toBe(200);
  });

  it('readiness names what is down, and stays ready for what can be served', async () => {
    expect(await send('GET', '/health/live')).toMatchObject({ status: 200 });
    expect(JSON.parse((await send('GET', '/health/ready')).body)).toMatchObject({ status: 'up' });
    units = null;
    await registry.refresh();
    const ready = await send('GET', '/health/ready');
    expect(JSON.parse(ready.body)).toMatchObject({
      dependencies: [{ name: 'mongodb', up: false, since: clock.iso(), reason: 'MongoDB: gone' }],
    });
    await send('POST', '/v1/orders', { body: ADA });
    expect((await send('GET', '/v1/orders/EU,7')).status).toBe(200);
  });

  it('metrics count requests by unit, method, store, phase and status', async () => {
    await send('GET', '/v1/orders');
    await send('GET', '/v1/nonsense');
    const { body } = await send('GET', '/metrics');
    expect(body).toContain(
      'ficus_request_seconds_count{unit="orders",method="GET",store="legacy",phase="legacy",status="200"} 1',
    );
    expect(body).toContain(
      'ficus_request_seconds_count{unit="-",method="GET",store="-",phase="-",status="404"} 1',
    );
    expect(body).not.toContain('nonsense');
  });
});
