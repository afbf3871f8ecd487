import { randomUUID } from 'node:crypto';
import { Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { type Db2Session, openSession } from '#legacy/db2/driver';
import { migrateLegacy } from '../../../../migrations/legacy/run.ts';

/** Needs the Db2 stand-in with its capture, and Kafka; all tables and topics are this run's own. */
function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this test needs the server it names`);
  return value;
}

const url = needed('TEST_DB2_URL');
const rest = needed('TEST_DB2_CONNECT_URL');
const brokers = needed('TEST_KAFKA_BROKERS').split(',');
const run = randomUUID().slice(0, 8).toUpperCase();
const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING });

interface Event {
  readonly key: Record<string, unknown> | null;
  readonly value: {
    op: string;
    before: Record<string, unknown> | null;
    after: Record<string, unknown> | null;
    source: Record<string, unknown>;
  } | null;
  readonly raw: string;
  readonly headers: Record<string, string>;
}

function eventOf(message: KafkaMessage): Event {
  const raw = message.value?.toString() ?? '';
  const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]);
  return {
    key: message.key === null ? null : JSON.parse(message.key.toString()),
    value: raw === '' ? null : JSON.parse(raw),
    raw,
    headers: Object.fromEntries(headers),
  };
}

/** Everything in a topic so far, by partition. */
async function readTopic(topic: string): Promise<readonly (readonly Event[])[]> {
  const admin = kafka.admin();
  await admin.connect();
  const ends = await admin.fetchTopicOffsets(topic).catch(() => []);
  await admin.disconnect();
  const wanted = new Map(ends.map(({ partition, high }) => [partition, BigInt(high)]));
  const found = ends.map((): Event[] => []);
  const open = new Set(ends.filter(({ high }) => high !== '0').map(({ partition }) => partition));
  if (open.size === 0) return found;
  const consumer = kafka.consumer({ groupId: `test-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ partition, message }: { partition: number; message: KafkaMessage }) => {
      found[partition]?.push(eventOf(message));
      if (BigInt(message.offset) + 1n >= (wanted.get(partition) ?? 0n)) open.delete(partition);
      if (open.size === 0) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  await consumer.disconnect();
  return found;
}

async function until<T>(what: string, probe: () => Promise<T | undefined>, ms = 90_000): Promise<T> {
  const deadline = performance.now() + ms;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function connector(name: string, tables: readonly string[], more: Record<string, string> = {}) {
  const config = {
    'topic.prefix': name,
    'table.include.list': tables.join(','),
    'topic.creation.default.partitions': '3',
    'topic.creation.default.replication.factor': '1',
    ...more,
  };
  const answer = await fetch(`${rest}/connectors/${name}/config`, {
    method: 'PUT',
    body: JSON.stringify(config),
  });
  expect(answer.ok, await answer.clone().text()).toBe(true);
}

async function offsets(name: string): Promise<Record<string, unknown>> {
  const answer = (await (await fetch(`${rest}/connectors/${name}/offsets`)).json()) as {
    offsets: [{ offset: Record<string, unknown> }];
  };
  return answer.offsets[0].offset;
}

/** Waits for the initial snapshot, and then until the connector is past a commit that is made after this call. */
async function settled(name: string, session: Db2Session): Promise<void> {
  await until('initial snapshot', async () =>
    (await offsets(name))['snapshot'] === undefined ? true : undefined,
  );
  const beat = `UPDATE FICUS.HEARTBEAT SET "AT" = CURRENT_TIMESTAMP WHERE ID = 3`;
  await until('a beat', async () => {
    try {
      if ((await session.execute(beat)) > 0) return true;
      return await session.execute('INSERT INTO FICUS.HEARTBEAT (ID, "AT") VALUES (3, CURRENT_TIMESTAMP)');
    } catch (error) {
      // A lock that was given up is no answer yet.
      if (error instanceof FicusError && error.retryable) return undefined;
      throw error;
    }
  });
  const [written] = await session.query('SELECT "AT" AS V FROM FICUS.HEARTBEAT WHERE ID = 3');
  const commit = await until('the commit position', async () => {
    const [row] = await session.query(
      `SELECT MAX(HEX(IBMSNAP_COMMITSEQ)) AS P FROM ASNCDC.CDC_FICUS_HEARTBEAT WHERE ID = 3 AND "AT" >= CAST(? AS TIMESTAMP)`,
      [String(written?.['V'])],
    );
    return typeof row?.['P'] === 'string' ? BigInt(`0x${row['P']}`) : undefined;
  });
  await until('the stream', async () => {
    const position = String((await offsets(name))['commit_lsn']).replaceAll(':', '');
    return BigInt(`0x${position}`) >= commit ? true : undefined;
  });
}

/** The rows that a reader ends with who applies each topic's events in order. */
function replay(
  partitions: readonly (readonly Event[])[],
  keyOf: (row: Record<string, unknown>) => string,
): Map<string, unknown> {
  const rows = new Map<string, unknown>();
  for (const events of partitions) {
    for (const { value } of events) {
      if (value === null) continue;
      if (value.op === 'd' && value.before !== null) rows.delete(keyOf(value.before));
      else if (value.after !== null) rows.set(keyOf(value.after), value.after);
    }
  }
  return rows;
}

let session: Db2Session;

beforeAll(async () => {
  session = await openSession(url);
  await migrateLegacy('plant', { kind: 'db2', url });
});

afterAll(async () => {
  for (const name of [`types-${run}`, `race-${run}`])
    await fetch(`${rest}/connectors/${name}`, { method: 'DELETE' });
  await session.close();
});

describe('the capture of the Db2 stand-in', () => {
  it('writes what Debezium writes: every type, keys, deletes, changed keys, nothing of a rollback', async () => {
    const table = `FICUS.TYPES_${run}`;
    await session.execute(
      `CREATE TABLE ${table} (PLANT CHAR(4) NOT NULL, ID BIGINT NOT NULL, SI SMALLINT, I INTEGER, AMOUNT DECIMAL(31,2), D DOUBLE,
        B BOOLEAN, C CHAR(6), V VARCHAR(40), BITS CHAR(3) FOR BIT DATA, DA DATE, TI TIME, TS TIMESTAMP, PRIMARY KEY (ID, PLANT))`,
    );
    await session.execute(
      `INSERT INTO ${table} VALUES ('A', 9007199254740993, -1, 2, 12345678901234567890123456789.01, 1.5, TRUE, 'añ', 'zażółć 日本 "q"',
        X'00FF10', DATE('2026-02-28'), TIME('23:59:58'), TIMESTAMP('2026-02-28 23:59:58.123456'))`,
    );
    const name = `types-${run}`;
    await connector(name, [table]);
    await settled(name, session);
    await session.execute(
      `INSERT INTO ${table} (PLANT, ID, TS) VALUES ('B', 1, TIMESTAMP('1969-12-31 23:59:59.999999'))`,
    );
    await session.execute(`UPDATE ${table} SET V = NULL WHERE PLANT = 'A'`);
    await session.execute(`UPDATE ${table} SET ID = 2 WHERE ID = 1`);
    await session.begin();
    await session.execute(`INSERT INTO ${table} (PLANT, ID) VALUES ('X', 99)`);
    await session.rollback();
    await session.execute(`DELETE FROM ${table} WHERE ID = 2`);
    await settled(name, session);

    const events = (await readTopic(`${name}.${table}`)).flat();
    const first = events.find(({ value }) => value?.op === 'r');
    expect(first?.raw).toContain('"after":{"PLANT":"A   ","ID":9007199254740993,"SI":-1,"I":2,');
    expect(first?.value?.after).toMatchObject({
      AMOUNT: '12345678901234567890123456789.01',
      D: 1.5,
      B: true,
      C: 'añ    ',
      V: 'zażółć 日本 "q"',
      BITS: 'AP8Q',
      DA: 20512,
      TI: 86_398_000,
      TS: 1_772_323_198_123_456,
    });
    expect(first?.value?.source).toMatchObject({
      connector: 'db2',
      snapshot: 'last',
      schema: 'FICUS',
      change_lsn: null,
      db: 'PLANT',
    });
    expect(Object.keys(first?.key ?? {})).toEqual(['ID', 'PLANT']);
    const of = (id: string) =>
      events.filter(({ raw, key }) => raw.includes(`"ID":${id},`) || String(key?.['ID']) === id);
    expect(of('9007199254740992').length + of('9007199254740993').length).toBeGreaterThan(1);
    expect(events.filter(({ key }) => key?.['ID'] === 99)).toEqual([]);
    const one = events.filter(({ key }) => key?.['ID'] === 1);
    expect(one.map(({ value }) => value?.op ?? 'tombstone')).toEqual(['c', 'd', 'tombstone']);
    expect(one[0]?.value?.after?.['TS']).toBe(-1);
    expect(one[1]?.headers['__debezium.newkey']).toBe('{"ID":2,"PLANT":"B   "}');
    const two = events.filter(({ key }) => key?.['ID'] === 2);
    expect(two.map(({ value }) => value?.op ?? 'tombstone')).toEqual(['c', 'd', 'tombstone']);
    expect(two[0]?.headers['__debezium.oldkey']).toBe('{"ID":1,"PLANT":"B   "}');
    const updated = events.find(({ value }) => value?.op === 'u');
    expect(updated?.value?.before?.['V']).toBe('zażółć 日本 "q"');
    expect(updated?.value?.after?.['V']).toBe(null);
    expect(String(updated?.value?.source['commit_lsn'])).toMatch(/^[0-9a-f]{8}:[0-9a-f]{8}:[0-9a-f]{16}$/);
  });

  it('ends in the state of the tables, in an order that no reader sees go back, with writers at work throughout', async () => {
    const tables = [`FICUS.RACE_A_${run}`, `FICUS.RACE_B_${run}`];
    for (const table of tables) {
      await session.execute(
        `CREATE TABLE ${table} (ID INTEGER NOT NULL PRIMARY KEY, N INTEGER NOT NULL, W VARCHAR(20))`,
      );
      // The writers leave the last ones alone: the rows of a snapshot that nobody touches must come.
      for (const id of [...Array(30).keys(), 1001, 1002, 1003])
        await session.execute(`INSERT INTO ${table} VALUES (${id}, 0, 'seed')`);
    }
    const name = `race-${run}`;
    let writing = true;
    const writers = Array.from({ length: 2 }, (_, writer) => write(writer, tables, () => writing));
    await connector(name, tables, { 'incremental.snapshot.chunk.size': '15', 'snapshot.fetch.size': '15' });
    await until('initial snapshot', async () =>
      (await offsets(name))['snapshot'] === undefined ? true : undefined,
    );
    const data = JSON.stringify({ type: 'incremental', 'data-collections': tables });
    const signal = `signal-${run}`;
    await session.execute(`INSERT INTO FICUS.SIGNAL VALUES (?, 'execute-snapshot', ?)`, [signal, data]);
    const notices = await until('incremental snapshot', async () => {
      const found = (await readTopic(`${name}.notifications`)).flat().map(({ raw }) => JSON.parse(raw));
      return found.some(({ type }) => type === 'COMPLETED') ? found : undefined;
    });
    writing = false;
    const committed = (await Promise.all(writers)).reduce((a, b) => a + b);
    expect(committed).toBeGreaterThan(50);
    await settled(name, session);

    expect(new Set(notices.map(({ type }) => type))).toEqual(
      new Set(['STARTED', 'IN_PROGRESS', 'TABLE_SCAN_COMPLETED', 'COMPLETED']),
    );
    expect(notices[0]).toMatchObject({
      id: signal,
      aggregate_type: 'Incremental Snapshot',
      additional_data: { connector_name: name, data_collections: tables.join(',') },
    });
    for (const table of tables) {
      const partitions = await readTopic(`${name}.${table}`);
      const rows = await session.query(`SELECT ID, N, W FROM ${table}`);
      const expected = new Map(rows.map((row) => [String(row['ID']), row]));
      expect(replay(partitions, (row) => String(row['ID']))).toEqual(expected);
      const quiet = partitions.flat().filter(({ key }) => Number(key?.['ID']) > 1000);
      const incremental = quiet.filter(({ value }) => value?.source['snapshot'] === 'incremental');
      expect(incremental.map(({ key }) => key?.['ID']).sort()).toEqual([1001, 1002, 1003]);
      expect(quiet.length).toBe(6);
      expectForward(partitions);
    }
  }, 240_000);
});

/**
 * No event goes back: a streamed one starts from the very state that the events before it left, at a higher position,
 * and a snapshot's row is that state. `undefined`: nothing is known of the key yet; null: it is deleted.
 */
function expectForward(partitions: readonly (readonly Event[])[]): void {
  const states = new Map<string, unknown>();
  const positions = new Map<string, string>();
  for (const { key, value } of partitions.flat()) {
    if (value === null) continue;
    const id = String(key?.['ID']);
    const known = states.get(id);
    const place = `${value.op} of ${id} at ${value.source['commit_lsn']}/${value.source['change_lsn']}`;
    if (known !== undefined) expect(value.op === 'r' ? value.after : value.before, place).toEqual(known);
    states.set(id, value.after);
    if (value.op === 'r') continue;
    const position = `${value.source['commit_lsn']}/${value.source['change_lsn']}`;
    expect(position > (positions.get(id) ?? ''), `${place} after ${positions.get(id)}`).toBe(true);
    positions.set(id, position);
  }
}

/** Random transactions over both tables, some long, a fifth rolled back. Answers how many were committed. */
async function write(writer: number, tables: readonly string[], going: () => boolean): Promise<number> {
  const own = await openSession(url);
  let committed = 0;
  let random = writer + 1;
  const next = (below: number): number => {
    random = (random * 48_271) % 2_147_483_647;
    return random % below;
  };
  while (going()) {
    await own.begin();
    try {
      // In one order, so that few transactions are given up as a deadlock's victims.
      const wanted = Array.from({ length: 1 + next(6) }, () => next(72)).sort((a, b) => a - b);
      for (const place of wanted) {
        const table = tables[Math.floor(place / 36)];
        const id = place % 36;
        const updated = await own.execute(`UPDATE ${table} SET N = N + 1, W = '${writer}' WHERE ID = ${id}`);
        if (updated === 0) await own.execute(`INSERT INTO ${table} VALUES (${id}, 0, 'new ${writer}')`);
        else if (next(8) === 0) await own.execute(`DELETE FROM ${table} WHERE ID = ${id}`);
      }
      if (next(5) === 0) await own.rollback();
      else {
        await own.commit();
        committed++;
      }
    } catch {
      // A deadlock's victim: both writers wanted rows of each other.
      await own.rollback();
    }
  }
  await own.close();
  return committed;
}
