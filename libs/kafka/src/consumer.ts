import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { FicusError, reasonOf } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import type { LogRecord } from '#debezium/envelope';

/** Bytes fetched of a partition, and of all together: what bounds the memory of any backlog. */
const PARTITION_BYTES = 4 * 1024 * 1024;
const FETCH_BYTES = 16 * 1024 * 1024;
/** Records handed over at once. */
const BATCH_RECORDS = 1_000;
const SESSION_MS = 30_000;

export interface ConsumeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly clock: Clock;
  /**
   * Handles records of one partition in order. Once it resolves they are done for good: their offsets are committed.
   * A retryable FicusError (or a bug) makes the same records come again after a pause; nothing is skipped.
   */
  readonly handle: (records: readonly LogRecord[]) => Promise<void>;
  /** Told of every failure, with the pause that follows; null: it works again. */
  readonly trouble: (error: unknown, pauseMs: number) => void;
  readonly fine: () => void;
  /** Told of the partitions that this member has after each rebalance, by topic. */
  readonly assigned?: (partitions: Readonly<Record<string, readonly number[]>>) => void;
}

/** One member of a consumer group that commits an offset only after the handler's durable write. */
export class LogConsumer {
  readonly #kafka: Kafka;
  readonly #options: ConsumeOptions;
  #consumer: Consumer | null = null;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(kafka: Kafka, options: ConsumeOptions) {
    this.#kafka = kafka;
    this.#options = options;
  }

  start(): void {
    this.#running ??= this.#keepRunning();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#consumer?.disconnect().catch(() => undefined);
    await this.#running;
  }

  /** kafkajs gives up on some errors: then a new consumer takes over, as long as nobody stops it. */
  async #keepRunning(): Promise<void> {
    const { clock, trouble } = this.#options;
    for (let pause = 200; !this.#stopping.signal.aborted; pause = Math.min(pause * 2, 5_000)) {
      try {
        await this.#runOnce(() => {
          pause = 200;
        });
      } catch (error) {
        trouble(error, pause);
      }
      await this.#consumer?.disconnect().catch(() => undefined);
      await clock.sleep(pause, this.#stopping.signal);
    }
  }

  async #runOnce(joined: () => void): Promise<void> {
    const consumer = this.#kafka.consumer({
      groupId: this.#options.group,
      sessionTimeout: SESSION_MS,
      heartbeatInterval: 3_000,
      maxBytesPerPartition: PARTITION_BYTES,
      maxBytes: FETCH_BYTES,
      maxWaitTimeInMs: 100,
      allowAutoTopicCreation: false,
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => false },
    });
    this.#consumer = consumer;
    const crashed = new Promise<Error>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error));
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joined();
      this.#options.assigned?.(payload.memberAssignment);
      this.#options.fine();
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: (payload) => this.#eachBatch(consumer, payload),
    });
    const stopped = new Promise<null>((resolve) => {
      this.#stopping.signal.addEventListener('abort', () => resolve(null), { once: true });
      if (this.#stopping.signal.aborted) resolve(null);
    });
    const error = await Promise.race([crashed, stopped]);
    if (error !== null) throw error;
  }

  async #eachBatch(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, isRunning, isStale, resolveOffset } = payload;
    const live = (): boolean => isRunning() && !isStale() && !this.#stopping.signal.aborted;
    for (let at = 0; at < batch.messages.length && live(); at += BATCH_RECORDS) {
      const records = batch.messages.slice(at, at + BATCH_RECORDS).map(
        (message): LogRecord => ({
          topic: batch.topic,
          partition: batch.partition,
          offset: BigInt(message.offset),
          key: message.key,
          value: message.value,
        }),
      );
      const last = records.at(-1);
      if (last === undefined || !(await this.#handle(records, heartbeat, live))) return;
      resolveOffset(String(last.offset));
      const next = String(last.offset + 1n);
      await consumer.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: next }]);
      await heartbeat();
    }
  }

  /** Tries until the handler succeeds (true) or the partition is no longer ours (false). */
  async #handle(
    records: readonly LogRecord[],
    heartbeat: () => Promise<void>,
    live: () => boolean,
  ): Promise<boolean> {
    const { clock, handle, trouble, fine } = this.#options;
    let failed = false;
    for (let pause = 100; live(); pause = Math.min(pause * 2, 5_000)) {
      const beating = setInterval(() => void heartbeat().catch(() => undefined), 3_000);
      try {
        await handle(records);
        if (failed) fine();
        return true;
      } catch (error) {
        failed = true;
        trouble(error, pause);
      } finally {
        clearInterval(beating);
      }
      await clock.sleep(pause, this.#stopping.signal);
    }
    return false;
  }
}

/** An error of the broker in Ficus's terms. */
export function kafkaError(cause: unknown): FicusError {
  return new FicusError('kafka_unavailable', `Kafka: ${reasonOf(cause)}`, { cause, retryable: true });
}
