import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAddress } from '../address.ts';
import { waitFor } from '../process/poll.ts';

/** One name for the connector, its topics, its slot, its publication and its table. */
const name = `probe_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
const other = `${name}_other`;
const topic = `${name}.public.${name}`;
const connectUrl = testAddress('TEST_CONNECT_URL');
const postgresUrl = new URL(testAddress('TEST_POSTGRES_URL'));
const [hostname, port] = testAddress('TEST_POSTGRES_FROM_CONNECT').split(':');
const postgres = new pg.Client({ connectionString: postgresUrl.href });
const kafka = new Kafka({
  brokers: testAddress('TEST_KAFKA_BROKERS').split(','),
  logLevel: logLevel.NOTHING,
});
const admin = kafka.admin();
const consumer = kafka.consumer({ groupId: name });

beforeAll(async () => {
  await postgres.connect();
  await postgres.query(`CREATE TABLE ${name} (id bigint PRIMARY KEY, amount numeric(20, 4))`);
  await postgres.query(`INSERT INTO ${name} VALUES (9007199254740993, 1234567890123456.7891)`);
  await admin.connect();
  await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
});

afterAll(async () => {
  for (const connector of [name, other]) await ask('DELETE', connector);
  await consumer.disconnect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  for (const slot of [name, other])
    await waitFor('replication slot', () => postgres.query('SELECT pg_drop_replication_slot($1)', [slot]), {
      timeoutMs: 20_000,
    });
  await postgres.query(`DROP PUBLICATION ${name}`);
  await postgres.query(`DROP TABLE ${name}`);
  await postgres.end();
});

/** @param connector its name, and its slot's. */
function configure(connector: string): Promise<Response> {
  return ask('PUT', `${connector}/config`, {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'plugin.name': 'pgoutput',
    'database.hostname': hostname,
    'database.port': port,
    'database.user': postgresUrl.username,
    'database.password': postgresUrl.password,
    'database.dbname': 'postgres',
    'topic.prefix': name,
    'slot.name': connector,
    'publication.name': name,
    'publication.autocreate.mode': 'filtered',
    'table.include.list': `public.${name}`,
    'decimal.handling.mode': 'string',
  });
}

function ask(method: string, path: string, body?: object): Promise<Response> {
  return fetch(`${connectUrl}/connectors/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    signal: AbortSignal.timeout(30_000),
    body: body === undefined ? null : JSON.stringify(body),
  });
}

test('a row that is there and a row that comes both reach Kafka through Debezium', async () => {
  const put = await configure(name);
  expect(put.status, await put.text()).toBe(201);

  const events: { op: string; after: Record<string, unknown> }[] = [];
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachMessage: ({ message }) => {
      events.push(JSON.parse(message.value?.toString() ?? 'null'));
      return Promise.resolve();
    },
  });
  const arrived = (count: number) =>
    waitFor(`${count} events`, async () => expect(events).toHaveLength(count), { timeoutMs: 40_000 });
  await arrived(1);
  await postgres.query(`INSERT INTO ${name} VALUES (2, 0.5)`);
  await arrived(2);
  expect(events).toMatchObject([
    { op: 'r', after: { amount: '1234567890123456.7891' } },
    { op: 'c', after: { id: 2, amount: '0.5000' } },
  ]);
});

test('a connector may be resumed while another one is stopped', async () => {
  const created = await configure(other);
  expect(created.status, await created.text()).toBe(201);
  const runs = (connector: string) =>
    waitFor(
      connector,
      async () => {
        const reply = await ask('GET', `${connector}/status`);
        expect(await reply.json()).toMatchObject({ tasks: [{ state: 'RUNNING' }] });
      },
      { timeoutMs: 40_000 },
    );
  await runs(other);
  for (const [stopped, resumed] of [
    [name, other],
    [other, name],
    [name, other],
    [other, name],
  ] as const) {
    const replies = await Promise.all([ask('PUT', `${stopped}/stop`), ask('PUT', `${resumed}/resume`)]);
    expect(replies.map(({ status }) => status)).toEqual([204, 202]);
    await runs(resumed);
  }
});

test('a topic that nobody made is not made by writing to it', async () => {
  const producer = kafka.producer({ allowAutoTopicCreation: true, retry: { retries: 1 } });
  await producer.connect();
  await expect(producer.send({ topic: `${name}.unplanned`, messages: [{ value: 'x' }] })).rejects.toThrow();
  await producer.disconnect();
  expect(await admin.listTopics()).not.toContain(`${name}.unplanned`);
});
