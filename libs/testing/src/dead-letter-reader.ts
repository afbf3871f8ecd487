import type { Consumer, Kafka } from 'kafkajs';
import { DEAD_LETTER_TOPIC } from '#kafka/dead-letter-topic';

/** A letter as it stands on the topic. */
export interface LetterCopy {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** The first letter of the unit on the topic, from that offset on. */
export async function nextLetter(kafka: Kafka, unit: string, from: bigint): Promise<LetterCopy> {
  const consumer: Consumer = kafka.consumer({
    groupId: `letters-${unit}`,
    allowAutoTopicCreation: false,
  });
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: [DEAD_LETTER_TOPIC], fromBeginning: true });
    return await new Promise<LetterCopy>((resolve, reject) => {
      const run = consumer.run({
        eachMessage: async ({ message }) => {
          const headers = Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
          );
          if (headers['ficus.unit'] === unit) resolve({ key: message.key, value: message.value, headers });
        },
      });
      run.then(() => consumer.seek({ topic: DEAD_LETTER_TOPIC, partition: 0, offset: String(from) }), reject);
    });
  } finally {
    await consumer.disconnect();
  }
}
