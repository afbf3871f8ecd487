import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAddress } from '../address.ts';
import { waitFor } from '../process/poll.ts';

/** One name for the connector, its topics, its slot, its publication and its table. */
const name = `probe_${randomUUID().replaceAll('-', '').slice(0, 12)}`;
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
  await fetch(`${connectUrl}/connectors/${name}`, { method: 'DELETE' });
  await consumer.disconnect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  await waitFor('replication slot', () => postgres.query('SELECT pg_drop_replication_slot($1)', [name]), {
    timeoutMs: 20_000,
  });
  await postgres.query(`DROP PUBLICATION ${name}`);
  await postgres.query(`DROP TABLE ${name}`);
  await postgres.end();
});

test('a row that is there and a row that comes both reach Kafka through Debezium', async () => {
  const put = await fetch(`${connectUrl}/connectors/${name}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'plugin.name': 'pgoutput',
      'database.hostname': hostname,
      'database.port': port,
      'database.user': postgresUrl.username,
      'database.password': postgresUrl.password,
      'database.dbname': 'postgres',
      'topic.prefix': name,
      'slot.name': name,
      'publication.name': name,
      'publication.autocreate.mode': 'filtered',
      'table.include.list': `public.${name}`,
      'decimal.handling.mode': 'string',
    }),
  });
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

test('a topic that nobody made is not made by writing to it', async () => {
  const producer = kafka.producer({ allowAutoTopicCreation: true, retry: { retries: 1 } });
  await producer.connect();
  await expect(producer.send({ topic: `${name}.unplanned`, messages: [{ value: 'x' }] })).rejects.toThrow();
  await producer.disconnect();
  expect(await admin.listTopics()).not.toContain(`${name}.unplanned`);
});
