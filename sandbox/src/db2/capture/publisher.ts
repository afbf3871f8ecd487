import { type Admin, Kafka, logLevel, Partitioners, type Producer } from 'kafkajs';
import type { OutgoingRecord } from './event.ts';

const RECORDS_AT_ONCE = 2_000;
const RETRY_MS = 1_000;

/** Partitions and replicas of a topic that the connector may make; null: it may not. */
export interface TopicCreation {
  readonly partitions: number;
  readonly replicas: number;
}

/**
 * Writes records to Kafka, in order and acknowledged by all replicas, by the Java client's partitioner. One batch is
 * under way at a time and is repeated until it is written: an outage delays, it loses and reorders nothing.
 */
export class Publisher {
  private readonly producer: Producer;
  private readonly admin: Admin;
  private readonly known = new Set<string>();

  constructor(brokers: string, clientId: string) {
    const kafka = new Kafka({ clientId, brokers: brokers.split(','), logLevel: logLevel.NOTHING });
    this.producer = kafka.producer({
      createPartitioner: Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
    });
    this.admin = kafka.admin();
  }

  async connect(): Promise<void> {
    await this.admin.connect();
    await this.producer.connect();
  }

  async close(): Promise<void> {
    await this.producer.disconnect();
    await this.admin.disconnect();
  }

  /** @param stopped asked before each new try, so that a connector can end while Kafka is away. */
  async publish(
    records: readonly OutgoingRecord[],
    creation: TopicCreation | null,
    stopped: () => boolean,
  ): Promise<void> {
    for (let at = 0; at < records.length; at += RECORDS_AT_ONCE) {
      await this.send(records.slice(at, at + RECORDS_AT_ONCE), creation, stopped);
    }
  }

  private async send(
    records: readonly OutgoingRecord[],
    creation: TopicCreation | null,
    stopped: () => boolean,
  ): Promise<void> {
    for (;;) {
      try {
        if (creation !== null) await this.ensureTopics(records, creation);
        await this.producer.sendBatch({ acks: -1, topicMessages: byTopic(records) });
        return;
      } catch (error) {
        if (stopped()) throw error;
        console.error(`Kafka did not take ${records.length} records, trying again: ${String(error)}`);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private async ensureTopics(records: readonly OutgoingRecord[], creation: TopicCreation): Promise<void> {
    const missing = new Set(records.map(({ topic }) => topic).filter((topic) => !this.known.has(topic)));
    if (missing.size === 0) return;
    await this.admin.createTopics({
      waitForLeaders: true,
      topics: [...missing].map((topic) => ({
        topic,
        numPartitions: creation.partitions,
        replicationFactor: creation.replicas,
      })),
    });
    for (const topic of missing) this.known.add(topic);
  }
}

/** Exported for its test: the order within a topic, and so within a key, stays. */
export function byTopic(records: readonly OutgoingRecord[]): {
  topic: string;
  messages: { key: string; value: string | null; headers: Record<string, string> }[];
}[] {
  return [...Map.groupBy(records, ({ topic }) => topic)].map(([topic, of]) => ({
    topic,
    messages: of.map(({ key, value, headers }) => ({ key, value, headers: { ...headers } })),
  }));
}
