import type { Clock } from '#core/ports/clock';
import type { LogRecord } from '#debezium/log-record';
import { Commits, type Partition, type Place, placeName } from './commits.ts';

/** Bytes in hand of a partition from which on no more of it is fetched, and of all partitions together. */
const LANE_BYTES = 4 * 1024 * 1024;
const ALL_BYTES = 24 * 1024 * 1024;
/** Records handled at once, unless told otherwise. */
const BATCH_RECORDS = 1_000;

export interface MembershipOptions {
  /** See `ConsumeOptions.handle`. */
  readonly handle: (records: readonly LogRecord[]) => Promise<void>;
  /** How many records are handled at once, now. */
  readonly most?: () => number;
  readonly commit: (places: readonly Place[]) => Promise<void>;
  readonly committed: (places: readonly Place[]) => Promise<void>;
  /** Fetching of a partition stops, or goes on. */
  readonly pause: (of: Partition) => void;
  readonly resume: (of: Partition) => void;
  readonly trouble: (error: unknown, pauseMs: number) => void;
  readonly fine: () => void;
  readonly clock: Clock;
  /** Nothing is handled before: what the membership before this one has in hand may be of the same partitions. */
  readonly after: Promise<void>;
}

/** The records of one partition that are fetched and not yet handled. */
class Lane {
  readonly topic: string;
  readonly partition: number;
  readonly records: LogRecord[] = [];
  bytes = 0;
  /** The offset after all that was taken. */
  next = 0n;
  isPaused = false;
  working: Promise<void> | null = null;

  constructor(topic: string, partition: number) {
    this.topic = topic;
    this.partition = partition;
  }
}

/**
 * What a member of a group has in hand from one rebalance to the next. Each partition has a queue of its own, worked off
 * in order while more is fetched; one that is long, or stuck, is paused, and the others go on. An offset is committed
 * after its records were handled, not before the next are: so a round trip to the broker holds up nobody.
 */
export class Membership {
  readonly #options: MembershipOptions;
  readonly #lanes = new Map<string, Lane>();
  readonly #ending = new AbortController();
  readonly #commits: Commits;
  #bytes = 0;
  /** The id of the topic that a partition is read of, by its name; null: nobody knows. */
  readonly #logs = new Map<string, string | null>();
  /** Where a partition was fetched from anew, since what came did not follow; by its name. */
  readonly #doubted = new Map<string, bigint>();
  /** Partitions whose log does not go on; true: the group's offset says so. */
  readonly #lost = new Map<string, boolean>();
  /** The partitions may be in other hands: who has them says how far they are. */
  #isOver = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#commits = new Commits({
      ...options,
      commit: async (places) => {
        if (this.#isOver) throw new Error('the partitions may be in other hands');
        await options.commit(places);
      },
      giveUp: this.#ending.signal,
    });
  }

  get isLive(): boolean {
    return !this.#ending.signal.aborted;
  }

  /** Aborted when the membership ends. */
  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** The offset that the next records of a partition must have; null: none has come yet. */
  expected(of: Partition): bigint | null {
    return this.#lanes.get(placeName(of))?.next ?? null;
  }

  /**
   * Takes records that follow the earlier ones.
   * @param next the offset after all that was fetched with them.
   * @returns how many bytes they have.
   */
  offer({ topic, partition, offset: next }: Place, records: readonly LogRecord[]): number {
    const name = placeName({ topic, partition });
    const lane = this.#lanes.get(name) ?? new Lane(topic, partition);
    this.#lanes.set(name, lane);
    lane.next = next;
    for (const record of records) lane.records.push(record);
    const bytes = sizeOf(records);
    lane.bytes += bytes;
    this.#bytes += bytes;
    if (lane.bytes >= LANE_BYTES) this.#pause(lane);
    if (this.#bytes >= ALL_BYTES) for (const one of this.#lanes.values()) this.#pause(one);
    lane.working ??= this.#work(lane);
    return bytes;
  }

  /** The first records of a partition have come. @param log the id of its topic; null: nobody knows. */
  begin(of: Partition, log: string | null): void {
    this.#logs.set(placeName(of), log);
  }

  /** See `begin`. */
  logOf(of: Partition): string | null {
    return this.#logs.get(placeName(of)) ?? null;
  }

  /** Is it the first time that what was fetched does not follow this offset? */
  isNewDoubt(of: Place): boolean {
    const name = placeName(of);
    if (this.#doubted.get(name) === of.offset) return false;
    this.#doubted.set(name, of.offset);
    return true;
  }

  /** The log of a partition does not go on where it was left. */
  lose(of: Partition): void {
    this.#lost.set(placeName(of), false);
  }

  isLost(of: Partition): boolean {
    return this.#lost.has(placeName(of));
  }

  /** Has that written into the group's offset, once nothing that is in hand can be committed over it. */
  async markLost(of: Partition, mark: () => Promise<void>): Promise<void> {
    const name = placeName(of);
    if (this.#lost.get(name) !== false) return;
    await this.#lanes.get(name)?.working;
    await this.#commits.drop(of);
    if (!this.isLive) return;
    await mark();
    this.#lanes.delete(name);
    this.#lost.set(name, true);
  }

  /** Somebody has decided how the partition goes on. */
  find(of: Partition): void {
    this.#lost.delete(placeName(of));
  }

  /**
   * What is being handled is finished; what is not begun is left, to be read again. Resolves when nothing is in hand, of
   * the membership before neither.
   * @param commits whether what is finished is committed: the partitions may be somebody else's already.
   */
  async end({ commits }: { readonly commits: boolean }): Promise<void> {
    this.#isOver ||= !commits;
    this.#ending.abort();
    await this.#options.after;
    await Promise.all([...this.#lanes.values()].map((lane) => lane.working));
    await this.#commits.settled();
  }

  async #work(lane: Lane): Promise<void> {
    await this.#options.after;
    while (lane.records.length > 0 && this.isLive) {
      const records = await this.#handle(lane);
      const last = records?.at(-1);
      if (records === null || last === undefined) break;
      lane.records.splice(0, records.length);
      const bytes = sizeOf(records);
      lane.bytes -= bytes;
      this.#bytes -= bytes;
      // Behind the last record there may be offsets without any (of transactions).
      const offset = lane.records.length === 0 ? lane.next : last.offset + 1n;
      if (!this.#isOver) this.#commits.reached({ topic: lane.topic, partition: lane.partition, offset });
      this.#fetchMore();
    }
    lane.working = null;
  }

  /** Tries with the next records until the handler succeeds, or the membership is over (null). */
  async #handle(lane: Lane): Promise<readonly LogRecord[] | null> {
    const { clock, handle, trouble, fine, most = () => BATCH_RECORDS } = this.#options;
    let failed = false;
    for (let pause = 100; this.isLive; pause = Math.min(pause * 2, 5_000)) {
      const records = lane.records.slice(0, most());
      try {
        await handle(records);
        if (failed) fine();
        return records;
      } catch (error) {
        failed = true;
        trouble(error, pause);
      }
      await clock.sleep(pause, this.#ending.signal);
    }
    return null;
  }

  #fetchMore(): void {
    if (this.#bytes >= ALL_BYTES || !this.isLive) return;
    for (const lane of this.#lanes.values()) if (lane.bytes < LANE_BYTES / 2) this.#resume(lane);
  }

  #pause(lane: Lane): void {
    if (lane.isPaused) return;
    lane.isPaused = true;
    this.#options.pause(lane);
  }

  #resume(lane: Lane): void {
    if (!lane.isPaused) return;
    lane.isPaused = false;
    this.#options.resume(lane);
  }
}

function sizeOf(records: readonly LogRecord[]): number {
  return records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
}
