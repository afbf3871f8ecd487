import type { Kafka } from 'kafkajs';
import { kafkaError } from './errors.ts';
import { askLogIds, openCluster } from './log-ids.ts';

/** What Kafka answers for a partition in which a group has committed nothing. */
const NONE = '-1';

/**
 * What kafkajs commits when the broker has no record at a group's offset, before it goes on from the earliest one: the
 * records in between have expired, or the topic was made anew.
 */
export const RESET = -2n;

/** Next offsets by partition number. */
export type Offsets = ReadonlyMap<number, bigint>;

/** How far logs and consumer groups are, asked of the broker. */
export class KafkaProgress {
  readonly #kafka: Kafka;
  #admin: ReturnType<Kafka['admin']>;
  #connected: Promise<void> | null = null;
  #cluster: ReturnType<typeof openCluster> | null = null;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.#admin = kafka.admin();
  }

  /** Names of all topics. @throws FicusError `kafka_unavailable`. */
  async topics(): Promise<readonly string[]> {
    return await this.#ask(() => this.#admin.listTopics());
  }

  /** End offsets (the next to be written) of each topic. @throws FicusError `kafka_unavailable`. */
  async endOffsets(topics: readonly string[]): Promise<ReadonlyMap<string, Offsets>> {
    return await this.#ask(async () => {
      const found = new Map<string, Offsets>();
      for (const topic of topics) {
        const partitions = await this.#admin.fetchTopicOffsets(topic);
        found.set(topic, new Map(partitions.map((one) => [one.partition, BigInt(one.high)])));
      }
      return found;
    });
  }

  /**
   * Committed offsets (the next to be read) of a group. A partition without one counts from its first record that is
   * still there; one whose offset lay outside of the log is `RESET`.
   */
  async committed(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, Offsets>> {
    return await this.#ask(async () => {
      const found = await this.#admin.fetchOffsets({ groupId: group, topics: [...topics] });
      const offsets = new Map<string, Offsets>();
      for (const { topic, partitions } of found) {
        const isFresh = partitions.some(({ offset }) => offset === NONE);
        const lows = isFresh ? await this.#lows(topic) : new Map<number, bigint>();
        const own = partitions.map(({ partition, offset }): [number, bigint] => [
          partition,
          offset === NONE ? (lows.get(partition) ?? 0n) : BigInt(offset),
        ]);
        offsets.set(topic, new Map(own));
      }
      return offsets;
    });
  }

  /** The committed offset of one partition as it stands: null where there is none, `RESET` see there. */
  async committedAt(group: string, topic: string, partition: number): Promise<bigint | null> {
    return await this.#ask(async () => {
      const [found] = await this.#admin.fetchOffsets({ groupId: group, topics: [topic] });
      const offset = found?.partitions.find((one) => one.partition === partition)?.offset ?? NONE;
      return offset === NONE ? null : BigInt(offset);
    });
  }

  /** Offset of the first record that is still there, or of the next one when there is none. @throws see `endOffsets`. */
  async firstOffset(topic: string, partition: number): Promise<bigint> {
    return await this.#ask(async () => (await this.#lows(topic)).get(partition) ?? 0n);
  }

  /**
   * Tells a topic from one that was made anew under its name.
   * @returns an id by topic; none of one that is not there, or whose broker knows no ids. @throws see `endOffsets`.
   */
  async logIds(topics: readonly string[]): Promise<ReadonlyMap<string, string>> {
    try {
      this.#cluster ??= openCluster(this.#kafka);
      return await askLogIds(await this.#cluster, topics);
    } catch (cause) {
      await this.#leaveCluster();
      throw kafkaError(cause);
    }
  }

  async #leaveCluster(): Promise<void> {
    const spent = this.#cluster;
    this.#cluster = null;
    const left = await spent?.catch(() => undefined);
    await left?.disconnect().catch(() => undefined);
  }

  async #lows(topic: string): Promise<Offsets> {
    const partitions = await this.#admin.fetchTopicOffsets(topic);
    return new Map(partitions.map(({ partition, low }) => [partition, BigInt(low)]));
  }

  async close(): Promise<void> {
    await this.#leaveCluster();
    await this.#admin.disconnect().catch(() => undefined);
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      this.#connected ??= this.#admin.connect();
      await this.#connected;
      return await call();
    } catch (cause) {
      await this.#renew();
      throw kafkaError(cause);
    }
  }

  /** A client asks for every topic it was ever asked about, so one that was deleted would fail all calls for ever. */
  async #renew(): Promise<void> {
    const spent = this.#admin;
    this.#admin = this.#kafka.admin();
    this.#connected = null;
    await spent.disconnect().catch(() => undefined);
  }
}

/** Records between the committed and the end offsets. */
export function backlogOf(
  ends: ReadonlyMap<string, Offsets>,
  committed: ReadonlyMap<string, Offsets>,
): bigint {
  let backlog = 0n;
  for (const [topic, partitions] of ends) {
    for (const [partition, end] of partitions) {
      const at = committed.get(topic)?.get(partition) ?? 0n;
      if (end > at) backlog += end - at;
    }
  }
  return backlog;
}

/** Has the group read all that lay before those ends? */
export function isPast(committed: ReadonlyMap<string, Offsets>, ends: ReadonlyMap<string, Offsets>): boolean {
  return backlogOf(ends, committed) === 0n;
}
