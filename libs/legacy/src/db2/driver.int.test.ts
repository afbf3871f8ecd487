import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Db2Session, openSession } from './driver.ts';

/** By IBM's real driver, through a line that can be cut, to the server that TEST_DB2_URL names: the stand-in. */
const url = process.env['TEST_DB2_URL'];
if (!url) throw new Error('TEST_DB2_URL is not set: this test needs the server it names');
const portOf = /PORT=(\d+)/;
const target = { host: '127.0.0.1', port: Number(portOf.exec(url)?.[1]) };
const table = `FICUS.CUT_${randomUUID().slice(0, 8).toUpperCase()}`;

const SIDES = ['client', 'server'] as const;
type Side = (typeof SIDES)[number];
const UNCUT = { client: Number.POSITIVE_INFINITY, server: Number.POSITIVE_INFINITY };

/** How many bytes of each side may pass in the next connection before it is cut; those after it stay whole. */
let allowed: Record<Side, number> = UNCUT;
/** How many bytes of each side had come after each piece, of all connections. */
let passed: Record<Side, number[]>;
let line: Server;
let direct: Db2Session;

function pump(side: Side, from: Socket, to: Socket, cut: () => void): void {
  const most = allowed[side];
  let count = 0;
  from.on('data', (bytes) => {
    const rest = most - count;
    count += bytes.length;
    passed[side].push(count);
    if (bytes.length <= rest) to.write(bytes);
    else if (rest > 0) to.write(bytes.subarray(0, rest), cut);
    else cut();
  });
}

beforeAll(async () => {
  line = createServer((client) => {
    const server = createConnection(target);
    const cut = (): void => {
      client.destroy();
      server.destroy();
    };
    for (const socket of [client, server]) socket.setNoDelay(true).on('error', cut).on('close', cut);
    pump('client', client, server, cut);
    pump('server', server, client, cut);
    allowed = UNCUT;
  }).listen(0, '127.0.0.1');
  await once(line, 'listening');
  direct = await openSession(url);
  await direct.execute(`CREATE TABLE ${table} (ID INTEGER NOT NULL PRIMARY KEY, N INTEGER NOT NULL)`);
  await direct.execute(`INSERT INTO ${table} VALUES (1, 0), (2, 0)`);
});

beforeEach(() => begin(UNCUT));

afterAll(async () => {
  await direct.close();
  line.close();
});

function begin(most: Record<Side, number>): void {
  allowed = most;
  passed = { client: [], server: [] };
}

/** Runs the work in a transaction over the line. */
async function transaction<T>(work: (session: Db2Session) => Promise<T>): Promise<T> {
  const { port } = line.address() as AddressInfo;
  const session = await openSession(url?.replace(portOf, `PORT=${port}`) ?? '');
  try {
    await session.begin();
    const result = await work(session);
    await session.commit();
    return result;
  } finally {
    await session.close().catch(() => undefined);
  }
}

/** Runs it once uncut, then cut within each piece of each side and behind it. */
async function cutEverywhere(
  run: () => Promise<unknown>,
  see: (outcome: unknown) => Promise<void>,
): Promise<void> {
  await run();
  const whole = passed;
  for (const side of SIDES) {
    for (const bytes of whole[side].flatMap((end) => [end - 1, end])) {
      begin({ ...UNCUT, [side]: bytes });
      await see(await run().catch((error: unknown) => ({ error, at: `${side} ${bytes}` })));
    }
  }
}

const UNREACHABLE = { error: { code: 'legacy_unavailable', retryable: true } };

it('rows that a broken connection did not bring whole are no answer', async () => {
  const read = () =>
    transaction((session) => session.query('SELECT TABSCHEMA, TABNAME, COLNAME FROM SYSCAT.COLUMNS'));
  const all = await read();
  expect(all.length).toBeGreaterThan(0);
  await cutEverywhere(read, async (outcome) => {
    // The driver connects again by itself and asks once more, if nothing was answered yet.
    if (Array.isArray(outcome)) expect(outcome).toEqual(all);
    else expect(outcome).toMatchObject(UNREACHABLE);
  });
}, 60_000);

it('a transaction whose connection breaks is done when it says so, and is whole or not there when it does not', async () => {
  let number = 0;
  const write = async () => {
    number += 1;
    await transaction(async (session) => {
      for (const id of [1, 2])
        await session.execute(`UPDATE ${table} SET N = CAST(? AS INTEGER) WHERE ID = ${id}`, [
          String(number),
        ]);
    });
    return 'done';
  };
  let failures = 0;
  let before = 1;
  await cutEverywhere(write, async (outcome) => {
    const rows = await direct.query(`SELECT N FROM ${table}`);
    const after = Number(rows[0]?.['N']);
    expect(rows).toEqual([{ N: after }, { N: after }]);
    if (outcome === 'done') expect(after).toBe(number);
    else {
      expect([before, number]).toContain(after);
      expect(outcome).toMatchObject(UNREACHABLE);
      failures += 1;
    }
    before = after;
  });
  expect(failures).toBeGreaterThan(0);
}, 60_000);
