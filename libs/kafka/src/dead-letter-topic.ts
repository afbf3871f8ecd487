import type { Kafka, Message, Producer } from 'kafkajs';
import type { DeadLetter } from '#core/ports/dead-letters';

import { kafkaError } from './errors.ts';

/** Every dead letter of the estate, for tools that watch Kafka; the collection is what operators work on. */
export const DEAD_LETTER_TOPIC = 'ficus.dead-letters';

/** Copies dead letters to their topic: the record's key and value as they came, its origin and reason as headers. */
export class DeadLetterTopic {
  readonly #producer: Producer;
  #connected: Promise<void> | null = null;

  constructor(kafka: Kafka) {
    this.#producer = kafka.producer({
      idempotent: true,
      allowAutoTopicCreation: false,
      retry: { retries: 5 },
    });
  }

  /** @throws FicusError `kafka_unavailable`. */
  async send(letters: readonly DeadLetter[]): Promise<void> {
    try {
      this.#connected ??= this.#producer.connect();
      await this.#connected;
      for (const letter of letters) await this.#sendOne(letter);
    } catch (cause) {
      this.#connected = null;
      throw kafkaError(cause);
    }
  }

  /** A record that was as large as a record may be has no room for headers: it goes without its value. */
  async #sendOne(letter: DeadLetter): Promise<void> {
    const message = messageOf(letter);
    try {
      await this.#producer.send({ topic: DEAD_LETTER_TOPIC, acks: -1, messages: [message] });
    } catch (cause) {
      if (!isTooLarge(cause) || message.value === null) throw cause;
      const headers = { ...message.headers, 'ficus.value': `left out, ${message.value.length} bytes` };
      const messages = [{ ...message, value: null, headers }];
      await this.#producer.send({ topic: DEAD_LETTER_TOPIC, acks: -1, messages });
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => undefined);
  }
}

function messageOf(letter: DeadLetter): Message {
  return {
    key: letter.key === null ? null : Buffer.from(letter.key, 'base64'),
    value: letter.value === null ? null : Buffer.from(letter.value, 'base64'),
    headers: {
      'ficus.unit': letter.unit,
      'ficus.topic': letter.topic,
      'ficus.partition': String(letter.partition),
      'ficus.offset': letter.offset,
      'ficus.epoch': String(letter.epoch),
      'ficus.code': letter.code,
      'ficus.reason': letter.reason,
    },
  };
}

function isTooLarge(cause: unknown): boolean {
  return cause instanceof Error && 'type' in cause && cause.type === 'MESSAGE_TOO_LARGE';
}
