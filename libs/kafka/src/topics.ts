import type { ITopicConfig, Kafka } from 'kafkajs';
import { kafkaError } from './consumer.ts';

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly config?: Readonly<Record<string, string>>;
}

/**
 * Makes the topics that are missing; existing ones are left as they are.
 * @returns the partitions that each topic now has. @throws FicusError `kafka_unavailable`.
 */
export async function ensureTopics(
  kafka: Kafka,
  specs: readonly TopicSpec[],
  replicationFactor = 1,
): Promise<ReadonlyMap<string, number>> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const known = new Set(await admin.listTopics());
    const missing = specs.filter((spec) => !known.has(spec.topic));
    if (missing.length > 0) {
      const topics = missing.map(
        (spec): ITopicConfig => ({
          topic: spec.topic,
          numPartitions: spec.partitions,
          replicationFactor,
          configEntries: Object.entries(spec.config ?? {}).map(([name, value]) => ({ name, value })),
        }),
      );
      await admin.createTopics({ topics, waitForLeaders: true });
    }
    const { topics } = await admin.fetchTopicMetadata({ topics: specs.map((spec) => spec.topic) });
    return new Map(topics.map((one) => [one.name, one.partitions.length]));
  } catch (cause) {
    throw kafkaError(cause);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
