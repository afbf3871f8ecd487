import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { WriteCommand } from '#core/ports/legacy-store';
import { AN_ORDER } from '#testing/an-order';
import { ordersPlan as plan } from '#testing/orders-plan';
import { ORDERS_SQL } from '#testing/orders-postgres';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { PostgresStore } from './store.ts';

const KEY = ['EU', '7'];
const PATCH: WriteCommand = { kind: 'patch', key: KEY, root: { note: 'changed' }, embeds: {} };
const UNAVAILABLE = { code: 'legacy_unavailable', retryable: true };
const OF_THE_STORE = `application_name = 'ficus' AND datname = current_database()`;

let database: ScratchDatabase;
let sut: PostgresStore;

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(ORDERS_SQL);
  sut = new PostgresStore('shop', { url: database.url, slot: 'none' });
});

afterAll(async () => {
  await sut.close();
  await database.drop();
});

beforeEach(async () => {
  await database.sql('TRUNCATE orders, order_line, order_address');
  await sut.write(plan, { kind: 'insert', document: AN_ORDER });
});

async function note(): Promise<unknown> {
  const [row] = await database.sql('SELECT note FROM orders');
  return row?.note;
}

/** Holds the order's row in a transaction of its own until told to let go. */
async function holdRow(): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('BEGIN; SELECT 1 FROM orders FOR UPDATE');
  return () => client.end();
}

async function waitingForLock(): Promise<boolean> {
  const rows = await database.sql(
    `SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND ${OF_THE_STORE}`,
  );
  return rows.length > 0;
}

describe('a server that is not there', () => {
  test('is named', async () => {
    const nowhere = new PostgresStore('shop', { url: 'postgres://ficus:x@127.0.0.1:1/shop', slot: 'none' });
    await expect(nowhere.ping()).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: /system shop cannot be reached: .*ECONNREFUSED/,
    });
    await nowhere.close();
  });

  test('is not tried again when it is the password that is wrong', async () => {
    const url = new URL(database.url);
    url.password = 'wrong';
    const stranger = new PostgresStore('shop', { url: url.href, slot: 'none' });
    await expect(stranger.ping()).rejects.toMatchObject({ code: 'legacy_unavailable', retryable: false });
    await stranger.close();
  });
});

describe('a connection that breaks', () => {
  test('while it is idle is replaced', async () => {
    await Promise.all([sut.ping(), sut.ping(), sut.ping()]);
    await database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OF_THE_STORE}`);
    await vi.waitFor(() => sut.ping());
    expect((await sut.readOne(plan, KEY))?.root.number).toBe('7');
  });

  test('in a transaction undoes it, and the next one is a new one', async () => {
    const letGo = await holdRow();
    const write = expect(sut.write(plan, PATCH)).rejects.toMatchObject(UNAVAILABLE);
    await vi.waitUntil(waitingForLock);
    await database.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${OF_THE_STORE}`);
    await write;
    await letGo();
    expect(await note()).toBe(AN_ORDER.root.note);
    await vi.waitFor(() => sut.write(plan, PATCH));
    expect(await note()).toBe('changed');
  });
});

test('a lock that is not to be had is given up, and the connection goes on', async () => {
  const letGo = await holdRow();
  await expect(sut.write(plan, PATCH)).rejects.toMatchObject({ ...UNAVAILABLE, message: /lock timeout/ });
  await letGo();
  expect(await sut.write(plan, PATCH)).toMatchObject({ kind: 'done' });
});

describe('a COMMIT without an answer', () => {
  /** Hands everything on until COMMIT passes, then cuts the client off. `delivered`: does the server still get it? */
  async function cutAtCommit(delivered: boolean): Promise<{ url: string; server: Server }> {
    const target = new URL(database.url);
    const url = new URL(database.url);
    const server = createServer((client) => {
      const upstream = connect(Number(target.port), target.hostname);
      client.on('error', () => {});
      upstream.on('error', () => {});
      upstream.pipe(client);
      client.on('close', () => upstream.end());
      client.on('data', (chunk) => {
        const commits = chunk.includes('COMMIT');
        if (!commits || delivered) upstream.write(chunk);
        if (commits) client.destroy();
      });
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    url.port = String((server.address() as AddressInfo).port);
    return { url: url.href, server };
  }

  test.each([
    { delivered: true, after: 'changed' },
    { delivered: false, after: AN_ORDER.root.note },
  ])('is reported as unknown, delivered or not ($delivered)', async ({ delivered, after }) => {
    const { url, server } = await cutAtCommit(delivered);
    const cut = new PostgresStore('shop', { url, slot: 'none' });
    await expect(cut.write(plan, PATCH)).rejects.toMatchObject({
      ...UNAVAILABLE,
      message: /it is not known whether the change was committed/,
    });
    await vi.waitFor(async () => expect(await note()).toBe(after), 5_000);
    await cut.close();
    server.close();
  });
});

test('a session speaks the way that values are read, whatever the address and the role say', async () => {
  await database.sql(
    `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET DateStyle = 'German'; ` +
      `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} SET extra_float_digits = -10`,
  );
  const url = `${database.url}?options=${encodeURIComponent('-c timezone=Asia/Tokyo -c bytea_output=escape')}`;
  const store = new PostgresStore('shop', { url, slot: 'none' });
  expect(await store.readOne(plan, KEY)).toMatchObject(AN_ORDER);
  await store.close();
});
