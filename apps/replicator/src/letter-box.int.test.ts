import { randomBytes } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recordForm } from '#debezium/connector-form';
import { PLAIN_FORM, RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { openKafka } from '#kafka/client';
import { DEAD_LETTER_TOPIC, DeadLetterTopic } from '#kafka/dead-letter-topic';
import { KafkaProgress } from '#kafka/progress';
import { ensureTopics } from '#kafka/topics';
import { controlOf } from '#mongo/control/control';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { openLog } from '#observability/log';
import { addressOf } from '#testing/address';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { aPlan } from '#testing/plans';
import { type ApplyContext, BatchApplier } from './batch-applier.ts';
import { LetterBox } from './letter-box.ts';
import { Truncation } from './truncation.ts';

const FLAT = recordForm({
  transforms: 'flat',
  'transforms.flat.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.flat.add.headers': 'op,lsn',
  'decimal.handling.mode': 'string',
});

let databases: TestDatabases;
let kafka: Kafka;
let deadLetterTopic: DeadLetterTopic;

beforeAll(async () => {
  databases = await openTestDatabases();
  kafka = openKafka(addressOf('TEST_KAFKA_BROKERS').split(','), 'letter-box-test', () => undefined);
  deadLetterTopic = new DeadLetterTopic(kafka);
  await ensureTopics(kafka, [{ topic: DEAD_LETTER_TOPIC, partitions: 1 }], { clock: systemClock });
});
afterAll(async () => {
  await deadLetterTopic.close();
  await databases.close();
});

it('keeps what a record says in its headers, so that it can be read once somebody has put right how', async () => {
  const unit = `t${randomBytes(6).toString('hex')}`;
  const plan = aPlan({ unit, collection: unit, topic: `${unit}.public.order` });
  await ensureCollection(databases.documents, plan, 1);
  let form = PLAIN_FORM;
  const context: ApplyContext = {
    ...{
      plan,
      epoch: 1,
      epochOf: () => 1,
      term: 1,
      incarnations: new Map([[plan.topic, 1]]),
      parked: new Map(),
    },
    decoder: new RecordDecoder({ schemas: null, form: () => form }),
    isCurrent: async () => true,
  };
  const { deadLetters } = controlOf(databases.control, systemClock);
  const documents = new MongoDocumentStore(databases.documents);
  const digest = (text: string): string => text;
  const progress = new KafkaProgress(kafka);
  const applier = new BatchApplier(documents, digest);
  const log = openLog('test', 'test', 'silent');
  const sut = new LetterBox(unit, {
    ...{ applier, deadLetters, deadLetterTopic, clock: systemClock, log },
    truncation: new Truncation({ documents, digest, progress, captured: async () => true }),
  });
  const key = { region: 'EU', number: 1 };
  const record: LogRecord = {
    ...{ topic: plan.topic, partition: 0, offset: 7n },
    key: Buffer.from(JSON.stringify(key)),
    value: Buffer.from(JSON.stringify({ ...key, amount: '1.00' })),
    headers: { __op: 'c', __lsn: Buffer.from('42'), '__debezium.context.taskId': [Buffer.from('0')] },
  };
  expect(await sut.keep(await applier.apply(context, [record]), plan)).toBe(1);

  form = FLAT;
  const order = { what: 'replay', reason: 'flattened', by: 'test', at: '2026-01-01T00:00:00.000Z' } as const;
  await deadLetters.order({ unit }, order, 10);
  for (const letter of await sut.due()) await sut.settle(context, letter);
  expect(await deadLetters.count(unit)).toBe(0);
  const [found] = await databases.documents.collection(plan.collection).find().toArray();
  expect(String(found?.amount)).toBe('1.00');
  expect(found?._m).toMatchObject({ s: 42 });
  // What came after it may be missing from the log.
  expect(found?._mend).toBe(true);
  await progress.close();
});
