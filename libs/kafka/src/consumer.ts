import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import type { Clock } from '#core/ports/clock';
import type { LogRecord } from '#debezium/log-record';
import { lostLog } from './errors.ts';
import { KafkaProgress, RESET } from './progress.ts';

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
  /** Which partitions of a topic the group has committed an offset of, remembered for good; without it nothing is. */
  readonly begun?: {
    readonly read: (topic: string) => Promise<readonly number[]>;
    readonly add: (topic: string, partition: number) => Promise<void>;
  };
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
  readonly #progress: KafkaProgress;
  /** `topic/partition` → the offset that must come next, of this membership. */
  readonly #next = new Map<string, bigint>();
  #consumer: Consumer | null = null;
  readonly #stopping = new AbortController();
  #running: Promise<void> | null = null;

  constructor(kafka: Kafka, options: ConsumeOptions) {
    this.#kafka = kafka;
    this.#options = options;
    this.#progress = new KafkaProgress(kafka);
  }

  start(): void {
    this.#running ??= this.#keepRunning();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#consumer?.disconnect().catch(() => undefined);
    await this.#running;
    await this.#progress.close();
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
      // A broker answers as soon as it has a record; a shorter wait only makes an idle group ask more often.
      maxWaitTimeInMs: 500,
      allowAutoTopicCreation: false,
      retry: { retries: 5, initialRetryTime: 100, maxRetryTime: 2_000, restartOnFailure: async () => false },
    });
    this.#consumer = consumer;
    const crashed = new Promise<Error>((resolve) => {
      consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload.error));
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joined();
      this.#next.clear();
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
    const { topic, partition } = batch;
    const [first] = batch.messages;
    if (first !== undefined && !(await this.#isWhole(batch, BigInt(first.offset), live))) return;
    for (let at = 0; at < batch.messages.length && live(); at += BATCH_RECORDS) {
      const records = batch.messages.slice(at, at + BATCH_RECORDS).map(
        (message): LogRecord => ({
          topic,
          partition,
          offset: BigInt(message.offset),
          key: message.key,
          value: message.value,
          ...(message.headers === undefined ? {} : { headers: message.headers }),
        }),
      );
      const last = records.at(-1);
      if (last === undefined || !(await this.#handle(records, heartbeat, live))) return;
      resolveOffset(String(last.offset));
      const next = last.offset + 1n;
      await consumer.commitOffsets([{ topic, partition, offset: String(next) }]);
      // Not before the offset is there: who dies in between has committed nothing, and no log was lost.
      if (!this.#next.has(`${topic}/${partition}`)) await this.#options.begun?.add(topic, partition);
      this.#next.set(`${topic}/${partition}`, next);
      await heartbeat();
    }
  }

  /**
   * Does the log go on where the group left it? kafkajs silently goes back to the earliest record when there is none at
   * the group's offset; going on from there would lose what has expired, or take a new topic for the old one. So the
   * partition waits, and what kafkajs has committed stays as the evidence, until somebody has decided.
   */
  async #isWhole(
    { topic, partition }: { readonly topic: string; readonly partition: number },
    offset: bigint,
    live: () => boolean,
  ): Promise<boolean> {
    const { clock, group, trouble, begun } = this.#options;
    const place = `${topic}/${partition}`;
    if (this.#next.get(place) === offset) return true;
    for (let pause = 1_000; live(); pause = Math.min(pause * 2, 30_000)) {
      try {
        const committed = await this.#progress.committedAt(group, topic, partition);
        // Kafka forgets a group's offsets together with a topic that is deleted.
        const isForgotten = committed === null && ((await begun?.read(topic)) ?? []).includes(partition);
        if (committed === RESET || isForgotten) throw lostLog(topic, partition);
        return true;
      } catch (error) {
        trouble(error, pause);
      }
      await clock.sleep(pause, this.#stopping.signal);
    }
    return false;
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
