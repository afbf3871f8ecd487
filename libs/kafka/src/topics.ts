import type { ITopicConfig, Kafka } from 'kafkajs';
import type { Clock } from '#core/ports/clock';
import { kafkaError } from './errors.ts';

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly config?: Readonly<Record<string, string>>;
}

/** A topic that was just made is not known to every broker at once. */
const SETTLE_MS = 20_000;

/**
 * Makes the topics that are missing; existing ones are left as they are.
 * @returns the partitions that each topic now has. @throws FicusError `kafka_unavailable`.
 */
export async function ensureTopics(
  kafka: Kafka,
  specs: readonly TopicSpec[],
  given: { clock: Clock; replicationFactor?: number },
): Promise<ReadonlyMap<string, number>> {
  const { clock, replicationFactor = 1 } = given;
  const admin = kafka.admin();
  try {
    await admin.connect();
    const known = new Set(await admin.listTopics());
    const missing = specs.filter((spec) => !known.has(spec.topic));
    if (missing.length > 0) {
      const topics = missing.map((spec) => configOf(spec, replicationFactor));
      await admin.createTopics({ topics, waitForLeaders: false });
    }
    for (const until = clock.now() + SETTLE_MS; ; await clock.sleep(200)) {
      try {
        const { topics } = await admin.fetchTopicMetadata({ topics: specs.map((spec) => spec.topic) });
        return new Map(topics.map((one) => [one.name, one.partitions.length]));
      } catch (error) {
        if (clock.now() > until) throw error;
      }
    }
  } catch (cause) {
    throw kafkaError(cause);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

function configOf(spec: TopicSpec, replicationFactor: number): ITopicConfig {
  return {
    topic: spec.topic,
    numPartitions: spec.partitions,
    replicationFactor,
    configEntries: Object.entries(spec.config ?? {}).map(([name, value]) => ({ name, value })),
  };
}
