import { Kafka, logLevel } from 'kafkajs';
import { quietQueues } from './quiet-queue.ts';

quietQueues();

export type KafkaLog = (
  level: 'debug' | 'error' | 'info' | 'warn',
  message: string,
  fields: Readonly<Record<string, unknown>>,
) => void;

/** A kafkajs client. Its own retries cover a broker that is away for a while; the callers cover the rest. */
export function openKafka(brokers: readonly string[], clientId: string, log: KafkaLog): Kafka {
  return new Kafka({
    clientId,
    brokers: [...brokers],
    connectionTimeout: 3_000,
    requestTimeout: 30_000,
    retry: { initialRetryTime: 100, maxRetryTime: 5_000, retries: 8 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const { message, timestamp: _, logger: __, ...fields } = entry.log;
      log(
        entry.level === logLevel.ERROR ? 'error' : entry.level === logLevel.WARN ? 'warn' : 'debug',
        `kafka: ${message}`,
        fields,
      );
    },
  });
}
