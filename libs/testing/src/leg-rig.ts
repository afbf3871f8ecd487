import { randomBytes } from 'node:crypto';
import type { Kafka, Producer } from 'kafkajs';
import type { Document } from 'mongodb';
import { Registry } from 'prom-client';
import { expect } from 'vitest';
import { forwardGroup, type Plan } from '#core/plan';
import type { Unit } from '#core/unit-state';
import type { Position } from '#core/version';
import { PLAIN_FORM, RecordDecoder } from '#debezium/decoder';
import { openKafka } from '#kafka/client';
import { DEAD_LETTER_TOPIC, DeadLetterTopic } from '#kafka/dead-letter-topic';
import { isPast, KafkaProgress, type Offsets } from '#kafka/progress';
import { ensureTopics } from '#kafka/topics';
import { type Control, controlOf } from '#mongo/control/control';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock as clock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { BatchApplier } from '../../../apps/replicator/src/batch-applier.ts';
import { ForwardLeg, type LegParts } from '../../../apps/replicator/src/forward-leg.ts';
import { Meters } from '../../../apps/replicator/src/meters.ts';
import { Truncation } from '../../../apps/replicator/src/truncation.ts';
import { addressOf } from './address.ts';
import { openTestDatabases, type TestDatabases } from './mongo-databases.ts';
import { aPlan } from './plans.ts';

export const WAIT = { timeout: 30_000, interval: 50 };

const decoder = new RecordDecoder({ schemas: null, form: () => PLAIN_FORM });
const digest = (text: string): string => text;

/** Forward legs on Kafka and MongoDB, of a unit with topics of its own for each test. */
export class LegRig {
  readonly databases: TestDatabases;
  readonly control: Control;
  readonly kafka: Kafka;
  readonly progress: KafkaProgress;
  /** How far the connector has delivered, as the legacy database would say. */
  captured: (position: Position) => boolean = () => true;
  #unit: Unit | null = null;
  readonly #producer: Producer;
  readonly #deadLetterTopic: DeadLetterTopic;
  readonly #started: ForwardLeg[] = [];
  readonly #made: string[] = [];

  private constructor(databases: TestDatabases, kafka: Kafka) {
    this.databases = databases;
    this.kafka = kafka;
    this.control = controlOf(databases.control, clock);
    this.progress = new KafkaProgress(kafka);
    this.#producer = kafka.producer({ allowAutoTopicCreation: false });
    this.#deadLetterTopic = new DeadLetterTopic(kafka);
  }

  static async open(name: string): Promise<LegRig> {
    const kafka = openKafka(addressOf('TEST_KAFKA_BROKERS').split(','), name, () => undefined);
    const rig = new LegRig(await openTestDatabases(), kafka);
    await rig.#producer.connect();
    await ensureTopics(kafka, [{ topic: DEAD_LETTER_TOPIC, partitions: 1 }], { clock });
    return rig;
  }

  async newUnit(changes: Partial<Plan> = {}, partitions = 1): Promise<Unit> {
    const name = `t${randomBytes(6).toString('hex')}`;
    const plan = aPlan({ unit: name, collection: name, topic: `${name}.public.order`, ...changes });
    await ensureTopics(this.kafka, [{ topic: plan.topic, partitions }], { clock });
    this.#made.push(plan.topic);
    await ensureCollection(this.databases.documents, plan, 1);
    await this.control.plans.put(plan, '', 'test');
    this.#unit = (await this.control.units.read(plan.unit)) ?? expect.fail('the unit was just put');
    return this.#unit;
  }

  get unit(): Unit {
    return this.#unit ?? expect.fail('there is no unit yet');
  }

  start(given: Partial<LegParts> = {}, unit = this.unit): ForwardLeg {
    const { control, databases, kafka, progress } = this;
    const documents = new MongoDocumentStore(databases.documents);
    const captured = async (_system: string, position: Position) => this.captured(position);
    const leg = new ForwardLeg(unit, {
      ...{ ...control, kafka, clock },
      applier: new BatchApplier(documents, digest),
      decoderOf: () => decoder,
      deadLetterTopic: this.#deadLetterTopic,
      truncation: new Truncation({ documents, digest, progress, captured }),
      dependencies: new Dependencies(clock),
      meters: new Meters(new Registry()),
      log: openLog('test', 'test', 'silent'),
      ...given,
    });
    this.#started.push(leg);
    leg.start();
    return leg;
  }

  async produce(
    ...messages: readonly { key: Buffer | null; value: Buffer | null; partition?: number }[]
  ): Promise<void> {
    await this.#producer.send({
      topic: this.unit.plan.topic,
      acks: -1,
      messages: messages.map(({ key, value, partition = 0 }) => ({ key, value, partition })),
    });
  }

  async stored(): Promise<Document[]> {
    const { collection } = this.unit.plan;
    return await this.databases.documents.collection(collection).find().sort({ _id: 1 }).toArray();
  }

  async committed(): Promise<ReadonlyMap<string, Offsets>> {
    const { plan } = this.unit;
    return await this.progress.committed(forwardGroup(plan.unit), [plan.topic]);
  }

  async untilCommitted(): Promise<void> {
    const ends = await this.progress.endOffsets([this.unit.plan.topic]);
    await expect.poll(async () => isPast(await this.committed(), ends), WAIT).toBe(true);
  }

  async stopLegs(): Promise<void> {
    await Promise.all(this.#started.splice(0).map((leg) => leg.stop()));
  }

  async close(): Promise<void> {
    await Promise.allSettled([
      ...[this.#producer.disconnect(), this.progress.close(), this.#deadLetterTopic.close()],
    ]);
    // Together and last: a kafkajs client fails on every topic once one of its own was deleted.
    const admin = this.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: this.#made });
    await admin.disconnect();
    await this.databases.close();
  }
}
