import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { FicusError } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import type { LogRecord } from '#debezium/log-record';
import { type Partition, type Place, placeName } from './commits.ts';
import { lostLog } from './errors.ts';
import { Membership } from './membership.ts';
import { KafkaProgress, RESET } from './progress.ts';

/** Bytes fetched at once of a partition, and of all together. */
const PARTITION_BYTES = 1024 * 1024;
const FETCH_BYTES = 8 * 1024 * 1024;
/** An answer as small as this is not followed by the next question at once, or most answers would bring one record. */
const SMALL_BYTES = 64 * 1024;
const PACE_MS = 10;
const SESSION_MS = 30_000;
/** How often topics are looked at again: one may be made anew, and be as long as the old one at once. */
const LOOK_MS = 5_000;

export interface ConsumeOptions {
  readonly group: string;
  readonly topics: readonly string[];
  readonly clock: Clock;
  /**
   * Handles records of one partition in order. Once it resolves they are done for good: their offsets are committed.
   * A retryable FicusError (or a bug) makes the same records come again after a pause; nothing is skipped.
   */
  readonly handle: (records: readonly LogRecord[]) => Promise<void>;
  /** How many records are handled at once, now; a thousand unless it is given. */
  readonly most?: () => number;
  /**
   * In which partitions of a topic the group has committed an offset, remembered for good; without it nothing is. With the
   * id of the topic as it was then; null: nobody knew.
   */
  readonly begun?: {
    readonly read: (topic: string) => Promise<ReadonlyMap<number, string | null>>;
    readonly add: (of: Partition, log: string | null) => Promise<void>;
  };
  /** Who decides how a partition goes on whose log does not; without it none does. */
  readonly lost?: LostPartitions;
  /** Told of every failure, with the pause that follows; null: it works again. */
  readonly trouble: (error: unknown, pauseMs: number) => void;
  readonly fine: () => void;
  /** Told of the partitions that this member has after each rebalance, by topic. */
  readonly assigned?: (partitions: Readonly<Record<string, readonly number[]>>) => void;
}

export interface LostPartitions {
  /** Told as soon as it is known. */
  readonly noted: (of: Partition) => Promise<void>;
  /**
   * Asked again and again: the offset from which on it is read; null: nobody has decided that since it was lost.
   * @param made the id of the topic, where it is another one than the offsets were committed in; else null.
   */
  readonly goesOn: (of: Partition, made: string | null) => Promise<bigint | null>;
  /** The partition is read from where the group stands. An earlier loss of it is over. */
  readonly found: (of: Partition) => Promise<void>;
}

/** kafkajs's own call for a commit, without its repetitions: those would go on under the next membership. */
type Commit = EachBatchPayload['commitOffsetsIfNecessary'];

/** One member of a consumer group that commits an offset only after the handler's durable write. */
export class LogConsumer {
  readonly #kafka: Kafka;
  readonly #options: ConsumeOptions;
  readonly #progress: KafkaProgress;
  #consumer: Consumer | null = null;
  #membership: Membership | null = null;
  readonly #logs = new Map<string, { readonly id: string | null; readonly at: number }>();
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

  /** What is being handled is finished and committed before. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#membership?.end({ commits: true });
    await this.#consumer?.disconnect().catch(() => undefined);
    await this.#running;
    // kafkajs may have joined once more meanwhile.
    await this.#membership?.end({ commits: false });
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
      await this.#membership?.end({ commits: this.#stopping.signal.aborted });
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
    let commit: Commit | null = null;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      joined();
      commit = null;
      this.#membership = this.#join(consumer, async (offsets) => await commit?.(offsets));
      this.#options.assigned?.(payload.memberAssignment);
      this.#options.fine();
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: 64,
      eachBatch: async (payload) => {
        commit = payload.commitOffsetsIfNecessary;
        if (this.#membership !== null) await this.#eachBatch(consumer, this.#membership, payload);
      },
    });
    const stopped = new Promise<null>((resolve) => {
      this.#stopping.signal.addEventListener('abort', () => resolve(null), { once: true });
      if (this.#stopping.signal.aborted) resolve(null);
    });
    const error = await Promise.race([crashed, stopped]);
    if (error !== null) throw error;
  }

  /** Each rebalance makes a new membership: kafkajs begins at the committed offsets again. */
  #join(consumer: Consumer, commit: Commit): Membership {
    const { begun } = this.#options;
    // kafkajs keeps a pause over rebalances.
    consumer.resume(consumer.paused());
    const remembered = new Set<string>();
    const membership = new Membership({
      ...this.#options,
      after: this.#membership?.end({ commits: false }) ?? Promise.resolve(),
      commit: async (places) => {
        await commit({ topics: places.map(asOffsets) });
      },
      // Not before the offset is there: who dies in between has committed nothing, and no log was lost.
      committed: async (places) => {
        for (const place of places) {
          if (remembered.has(placeName(place))) continue;
          await begun?.add(place, membership.logOf(place));
          remembered.add(placeName(place));
        }
      },
      pause: (of) => unlessGone(() => consumer.pause(only(of))),
      resume: (of) => unlessGone(() => consumer.resume(only(of))),
    });
    if (this.#stopping.signal.aborted) void membership.end({ commits: false });
    return membership;
  }

  /** Takes what was fetched, so that more is fetched while it is handled. */
  async #eachBatch(consumer: Consumer, membership: Membership, payload: EachBatchPayload): Promise<void> {
    const { batch, isStale, resolveOffset } = payload;
    const { topic, partition } = batch;
    const [first] = batch.messages;
    const last = batch.messages.at(-1);
    if (first === undefined || last === undefined || membership.isLost(batch)) return;
    const from = { topic, partition, offset: BigInt(first.offset) };
    if (membership.expected(from) !== from.offset || !this.#isKnown(membership, from)) {
      try {
        if (!(await this.#follows(consumer, membership, { from, asked: askedFor(batch) }))) return;
      } catch (error) {
        void this.#keepBack(consumer, membership, { payload, from, error });
        return;
      }
    }
    if (!membership.isLive || isStale()) return;
    const log = membership.logOf(batch);
    const records = batch.messages.map(
      (message): LogRecord => ({
        topic,
        partition,
        offset: BigInt(message.offset),
        key: message.key,
        value: message.value,
        ...(message.headers === undefined ? {} : { headers: message.headers }),
        ...(log === null ? {} : { log }),
      }),
    );
    const bytes = membership.offer({ topic, partition, offset: BigInt(batch.lastOffset()) + 1n }, records);
    resolveOffset(last.offset);
    if (bytes < SMALL_BYTES) await this.#options.clock.sleep(PACE_MS, membership.signal);
  }

  /**
   * Do the records go on where the partition was left? False: they are of a question that was asked before a rebalance,
   * or of another broker, and are fetched anew from there. A second time they stand for what kafkajs has passed over
   * (offsets without records, of transactions and of compacted topics), or for a log that does not go on.
   * @throws FicusError `log_replaced`, `kafka_unavailable`.
   */
  async #follows(
    consumer: Consumer,
    membership: Membership,
    { from, asked }: { readonly from: Place; readonly asked: bigint },
  ): Promise<boolean> {
    const { topic, partition, offset } = from;
    const expected = membership.expected(from);
    const log = await this.#logOf(topic);
    if (expected !== null && isOther(membership.logOf(from), log)) {
      membership.lose(from);
      throw lostLog(topic, partition);
    }
    if (expected === offset) return true;
    const left = expected ?? (await this.#leftAt(from));
    if (!membership.isLive) return false;
    if (expected === null) membership.begin(from, log);
    const isNext = asked <= left && (expected === null || offset >= left);
    if (!isNext && membership.isNewDoubt({ topic, partition, offset: left })) {
      consumer.seek({ topic, partition, offset: String(left) });
      return false;
    }
    if (expected === null) {
      await this.#options.lost?.found(from);
      return true;
    }
    if (offset > expected && (await this.#progress.firstOffset(topic, partition)) <= expected) return true;
    membership.lose(from);
    throw lostLog(topic, partition);
  }

  /**
   * Where the group left a partition, or where its log begins. kafkajs silently goes back to the earliest record when
   * there is none at the group's offset; going on from there would lose what has expired, or take a new topic for the old
   * one. So the partition waits, and what kafkajs has committed stays as the evidence, until somebody has decided.
   * @throws FicusError `log_replaced`, `kafka_unavailable`.
   */
  async #leftAt({ topic, partition }: Partition): Promise<bigint> {
    const { group, begun } = this.#options;
    const committed = await this.#progress.committedAt(group, topic, partition);
    const logs = (await begun?.read(topic)) ?? new Map<number, string | null>();
    // Kafka forgets a group's offsets together with a topic that is deleted.
    const isForgotten = committed === null && logs.has(partition);
    const isAnother = isOther(logs.get(partition) ?? null, await this.#logOf(topic));
    if (committed === RESET || isForgotten || isAnother) throw lostLog(topic, partition);
    return committed ?? (await this.#progress.firstOffset(topic, partition));
  }

  /** Has the topic been looked at a moment ago, and was it the one that this member reads the partition of? */
  #isKnown(membership: Membership, of: Partition): boolean {
    const seen = this.#logs.get(of.topic);
    if (seen === undefined) return this.#options.begun === undefined;
    return this.#isFresh(seen) && !isOther(membership.logOf(of), seen.id);
  }

  #isFresh({ at }: { readonly at: number }): boolean {
    return this.#options.clock.now() - at < LOOK_MS;
  }

  /** The id of a topic, of a moment ago. Without a memory of what the offsets were committed in, it says nothing. */
  async #logOf(topic: string): Promise<string | null> {
    const { begun, clock } = this.#options;
    if (begun === undefined) return null;
    const known = this.#logs.get(topic);
    if (known !== undefined && this.#isFresh(known)) return known.id;
    const at = clock.now();
    const id = (await this.#progress.logIds([topic])).get(topic) ?? null;
    this.#logs.set(topic, { id, at });
    return id;
  }

  /** Has a lost partition read from where somebody has decided. @throws what kept it back, while nobody has. */
  async #goOn(
    consumer: Consumer,
    membership: Membership,
    { payload, from, fault }: { payload: EachBatchPayload; from: Place; fault: unknown },
  ): Promise<void> {
    const { begun, lost } = this.#options;
    const { topic, partition } = from;
    const of = { topic, partition };
    this.#logs.delete(topic);
    const log = await this.#logOf(topic);
    const known = (await begun?.read(topic))?.get(partition) ?? null;
    const offset = (await lost?.goesOn(of, isOther(known, log) ? log : null)) ?? null;
    if (offset === null) throw fault;
    const end = (await this.#progress.endOffsets([topic])).get(topic)?.get(partition) ?? 0n;
    if (offset > end || offset < (await this.#progress.firstOffset(topic, partition))) throw fault;
    // Who has the partition now decides by itself, and may be further.
    if (!membership.isLive) return;
    await payload.commitOffsetsIfNecessary({ topics: [asOffsets({ ...of, offset })] });
    await begun?.add(of, log);
    if (!membership.isLive) return;
    // Last: a commit that fails is tried again by the same decision. Who dies before finds it when the first records come.
    await lost?.found(of);
    unlessGone(() => consumer.seek({ topic, partition, offset: String(offset) }));
  }

  /** Leaves a partition unread, beside the others, as long as its log does not go on; then the same is fetched again. */
  async #keepBack(
    consumer: Consumer,
    membership: Membership,
    { payload, from, error }: { payload: EachBatchPayload; from: Place; error: unknown },
  ): Promise<void> {
    const { clock, lost, trouble, fine } = this.#options;
    if (!membership.isLive) return;
    unlessGone(() => consumer.pause(only(from)));
    // What was in hand has been committed over the evidence.
    const mark = async (): Promise<void> => {
      await payload.commitOffsetsIfNecessary({ topics: [asOffsets({ ...from, offset: RESET })] });
    };
    let fault = error;
    for (let pause = 1_000; membership.isLive && fault !== null; pause = Math.min(pause * 2, 5_000)) {
      if (isLostLog(fault)) {
        // What is in hand is of the old log, also where the loss shows only now.
        if (!membership.isLost(from)) membership.lose(from);
        // First: who reads of the loss may decide at once.
        fault = (await faultOf(async () => await lost?.noted(from))) ?? fault;
      }
      trouble(fault, pause);
      const unmarked = await faultOf(() => membership.markLost(from, mark));
      await clock.sleep(pause, membership.signal);
      if (!membership.isLive) return;
      fault = unmarked ?? (await faultOf(() => this.#leftAt(from)));
      if (!isLostLog(fault) || !membership.isLost(from)) continue;
      fault = await faultOf(() => this.#goOn(consumer, membership, { payload, from, fault }));
    }
    if (!membership.isLive) return;
    membership.find(from);
    fine();
    unlessGone(() => consumer.resume(only(from)));
  }
}

/** Ids of which one is not known tell nothing. */
function isOther(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && a !== b;
}

function isLostLog(error: unknown): boolean {
  return error instanceof FicusError && error.code === 'log_replaced';
}

/** The offset that the broker was asked for; kafkajs keeps it, and its types do not tell. */
function askedFor(batch: EachBatchPayload['batch']): bigint {
  return BigInt((batch as unknown as { readonly fetchedOffset: string }).fetchedOffset);
}

/** After a crash kafkajs has no group any more, and says so; the next consumer begins without pauses. */
function unlessGone(call: () => void): void {
  try {
    call();
  } catch (error) {
    if (!(error instanceof Error && error.name === 'KafkaJSNonRetriableError')) throw error;
  }
}

/** Null: there is none. */
async function faultOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
    return null;
  } catch (error) {
    return error;
  }
}

function only({ topic, partition }: Partition) {
  return [{ topic, partitions: [partition] }];
}

function asOffsets({ topic, partition, offset }: Place) {
  return { topic, partitions: [{ partition, offset: String(offset) }] };
}
