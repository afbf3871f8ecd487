import type { Kafka } from 'kafkajs';
import { epochsOrdered } from '#core/capture';
import { beginsIn, type EpochFirsts, epochLookup, firstOf } from '#core/epoch';
import { gapsOf } from '#core/mend';
import { forwardGroup, topicsOf } from '#core/plan';
import type { Capture, CaptureStore } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { UnitStore } from '#core/ports/control';
import type { DeadLetter, DeadLetterStore } from '#core/ports/dead-letters';
import type {
  ReplicationStatusStore,
  SnapshotStore,
  TopicPartition,
  TopicStore,
  UnknownColumnStore,
} from '#core/ports/replication';
import type { Unit } from '#core/unit-state';
import type { RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { LogConsumer } from '#kafka/consumer';
import type { DeadLetterTopic } from '#kafka/dead-letter-topic';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { ApplyContext, BatchApplier } from './batch-applier.ts';
import { Combiner } from './combiner.ts';
import { CountKeeper } from './count-keeper.ts';
import { FailureShare } from './failure-share.ts';
import { LetterBox } from './letter-box.ts';
import type { Meters } from './meters.ts';
import { Pace } from './pace.ts';
import type { BatchResult } from './tally.ts';
import type { Truncation } from './truncation.ts';

export interface LegParts {
  readonly kafka: Kafka;
  readonly applier: BatchApplier;
  /** @throws FicusError `setting_invalid` when there is no such system. */
  readonly decoderOf: (system: string) => RecordDecoder;
  readonly deadLetters: DeadLetterStore;
  readonly deadLetterTopic: DeadLetterTopic;
  readonly truncation: Truncation;
  readonly unknownColumns: UnknownColumnStore;
  readonly snapshots: SnapshotStore;
  readonly status: ReplicationStatusStore;
  readonly topics: TopicStore;
  readonly captures: Pick<CaptureStore, 'read'>;
  readonly units: Pick<UnitStore, 'read'>;
  readonly dependencies: Dependencies;
  readonly meters: Meters;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Records of a partition that go together where others of the same documents come from other partitions. */
const EMBEDDED = 1_000;
/** Batches on their way at once, where each document has its rows in one partition: while one is written, one is read. */
const LANES = 4;
/** ms for which a unit is as it was read; less than the time after which a silent replicator is held for dead. */
const FRESH_MS = 1_500;

/** legacy → Kafka → MongoDB for one unit: a member of the unit's consumer group. */
export class ForwardLeg {
  readonly #parts: LegParts;
  #unit: Unit;
  /** The topics that it reads; a plan of other topics needs another leg. */
  readonly topics: readonly string[];
  readonly #incarnations = new Map<string, number>();
  readonly #consumer: LogConsumer;
  readonly #letters: LetterBox;
  readonly #counts: CountKeeper;
  readonly #share = new FailureShare();
  readonly #pace = new Pace();
  #partitions: Readonly<Record<string, readonly number[]>> = {};
  #tends = false;
  #adoptedAt: number;
  /** Where the epochs of the unit's system begin, as far as they were asked for. */
  #beginnings: readonly EpochFirsts[] = [];
  readonly #combiner = new Combiner(
    (records) => this.#handle(records),
    () => (this.#unit.plan.embeds.length === 0 ? LANES : 1),
    () => this.#pace.most,
  );

  constructor(unit: Unit, parts: LegParts) {
    this.#unit = unit;
    this.#parts = parts;
    this.#adoptedAt = parts.clock.now();
    this.topics = topicsOf(unit.plan);
    this.#letters = new LetterBox(unit.plan.unit, parts);
    this.#counts = new CountKeeper((counts) => parts.status.addCounts(unit.plan.unit, counts), parts.clock);
    const name = `kafka:${unit.plan.unit}`;
    this.#consumer = new LogConsumer(parts.kafka, {
      group: forwardGroup(unit.plan.unit),
      topics: this.topics,
      clock: parts.clock,
      handle: (records) => this.#combiner.submit(records),
      most: () => (this.#unit.plan.embeds.length === 0 ? this.#pace.most : EMBEDDED),
      begun: {
        read: (topic) => this.#begunIn(topic),
        add: (of, log) => parts.topics.begin(of, log),
      },
      lost: {
        noted: async (of) => void (await this.#lose(of)),
        goesOn: (of, made) => this.#goesOn(of, made),
        found: (of) => parts.topics.find(of),
      },
      assigned: (partitions) => {
        this.#partitions = partitions;
        this.#letters.forget();
      },
      fine: () => parts.dependencies.up(name),
      trouble: (error, pauseMs) => {
        parts.dependencies.down(name, error);
        parts.log.warn({ err: error, unit: unit.plan.unit, pauseMs }, 'forward leg: trying again');
      },
    });
  }

  get unit(): Unit {
    return this.#unit;
  }

  /** Terms, epochs and plans change under a running leg; the next batch goes by the new ones. */
  adopt(unit: Unit): void {
    this.#unit = unit;
    this.#adoptedAt = this.#parts.clock.now();
  }

  start(): void {
    this.#consumer.start();
  }

  async stop(): Promise<void> {
    await this.#consumer.stop();
    await this.#counts.stop();
  }

  async #handle(all: readonly LogRecord[]): Promise<void> {
    const of = await this.#current();
    const { plan } = of;
    // A plan may have let a table go while its records were on their way; should it come back, it is read anew.
    const topics = topicsOf(plan);
    const records = all.filter((record) => topics.includes(record.topic));
    for (const topic of new Set(records.map((record) => record.topic))) await this.#learnIncarnation(topic);
    const result = await this.#apply(await this.#contextOf(of), records);
    this.#share.mind(records.length, result.failures, plan.levels.badShare);
    await this.#keep(result);
  }

  async #apply(context: ApplyContext, records: readonly LogRecord[]): Promise<BatchResult> {
    const { applier, clock } = this.#parts;
    const begun = clock.now();
    const { most } = this.#pace;
    let applied = 0;
    try {
      const result = await applier.apply(context, records);
      applied = records.length;
      return result;
    } finally {
      this.#pace.took({ records: applied, most, ms: clock.now() - begun });
    }
  }

  /**
   * Carries out what operators have ordered for dead letters of this member's partitions, and applies what no longer
   * waits for any. One round at a time; never throws.
   */
  async tendLetters(): Promise<void> {
    if (this.#tends) return;
    this.#tends = true;
    try {
      for (const letter of await this.#letters.due()) await this.#tend(letter);
    } catch (error) {
      this.#parts.log.warn({ err: error, unit: this.#unit.plan.unit }, 'dead letters: trying again');
    }
    this.#tends = false;
  }

  /** One that cannot be seen to holds up no other. */
  async #tend(letter: DeadLetter): Promise<void> {
    // The topic of an epoch before may have had partitions that this one does not have.
    const partition = letter.epoch < this.#unit.state.epoch ? 0 : letter.partition;
    if (!(this.#partitions[letter.topic] ?? []).includes(partition)) return;
    const settle = async (): Promise<void> => {
      await this.#learnIncarnation(letter.topic);
      await this.#letters.settle(await this.#contextOf(this.#unit), letter);
    };
    try {
      // Nothing waits behind a record without a row, and a truncate is a long way through all documents.
      await (letter.row === null ? settle() : this.#combiner.alone(settle));
    } catch (error) {
      const { unit } = this.#unit.plan;
      this.#parts.log.warn({ err: error, unit, letter: letter.id }, 'a dead letter: trying again');
    }
  }

  async #contextOf(of: Unit): Promise<ApplyContext> {
    const { plan, state } = of;
    return {
      // Read once the records are there: what comes from behind a gap comes after the gap was noted.
      gaps: async () => gapsOf(plan, (await this.#parts.captures.read(plan.system)).sweeps),
      plan,
      decoder: this.#parts.decoderOf(plan.system),
      together: this.#pace.most,
      epoch: state.epoch,
      epochOf: epochLookup(state.epoch, await this.#beginningsOf(of)),
      term: state.term,
      incarnations: this.#incarnations,
      parked: await this.#letters.parked(),
      isCurrent: () => this.#isCurrent(of),
    };
  }

  /**
   * Others hold a replicator that does not beat for dead, and may have tables read by a plan that it has not heard of: so
   * it goes by none that is so old.
   */
  async #current(): Promise<Unit> {
    const { clock, units } = this.#parts;
    if (clock.now() - this.#adoptedAt <= FRESH_MS) return this.#unit;
    const found = await units.read(this.#unit.plan.unit);
    if (found !== null) this.adopt(found);
    return this.#unit;
  }

  /**
   * A partition whose log does not go on is read from where an epoch begins in it that was ordered after the loss had been
   * noted, or that begins in the topic that was made anew: its tables are read again then, and what lies before is of the
   * epoch before.
   */
  async #goesOn(of: TopicPartition, made: string | null): Promise<bigint | null> {
    const unit = await this.#parts.units.read(this.#unit.plan.unit);
    if (unit === null) return null;
    this.adopt(unit);
    const { capture, noted } = await this.#lose(of);
    const newest = capture.replacements.at(-1);
    if (newest === undefined || unit.replaced < capture.replacements.length) return null;
    const isDecided = made === null ? unit.replaced > noted : beginsIn(newest, of, made);
    return isDecided ? firstOf(newest, of) : null;
  }

  async #begunIn(topic: string): Promise<ReadonlyMap<number, string | null>> {
    const { begun = [], logs = {} } = (await this.#parts.topics.read(topic)) ?? {};
    return new Map(begun.map((partition) => [partition, logs[partition] ?? null]));
  }

  /** Notes a loss, unless it is noted, and answers how many epochs had been ordered before. */
  async #lose(of: TopicPartition): Promise<{ readonly capture: Capture; readonly noted: number }> {
    const { captures, topics } = this.#parts;
    await this.#learnIncarnation(of.topic);
    const capture = await captures.read(this.#unit.plan.system);
    return { capture, noted: await topics.lose(of, epochsOrdered(capture)) };
  }

  async #beginningsOf({ plan, replaced }: Unit): Promise<readonly EpochFirsts[]> {
    if (this.#beginnings.length < replaced)
      this.#beginnings = (await this.#parts.captures.read(plan.system)).replacements;
    return this.#beginnings.slice(0, replaced);
  }

  /** What must be durable before the offset is. The counts follow. */
  async #keep(result: BatchResult): Promise<void> {
    const { clock, unknownColumns, snapshots, meters, log } = this.#parts;
    const { unit } = this.#unit.plan;
    const now = clock.now();
    const at = new Date(now).toISOString();
    const letters = await this.#letters.keep(result, this.#unit.plan);
    for (const { table, column, count, record } of result.unknown.values()) {
      await unknownColumns.report({
        unit,
        table,
        column,
        count,
        origin: `${record.topic}/${record.partition}/${record.offset}`,
        at,
      });
      log.warn(
        { unit, table, column, count },
        'an event carries a column that the plan does not know; its value is kept in the document',
      );
    }
    for (const [table, rows] of result.snapshotRows) await snapshots.addRows(unit, table, rows);
    this.#counts.add({ ...result.outcomes, deadLetters: letters });
    meters.applied(unit, result, letters, now);
  }

  /** Asked when a write was refused: the supervisor may be a moment behind a flip, or behind a changed plan. */
  async #isCurrent(of: Unit): Promise<boolean> {
    const found = await this.#parts.units.read(of.plan.unit);
    if (found === null) return true;
    this.adopt(found);
    return found.state.term === of.state.term && found.planVersion === of.planVersion;
  }

  async #learnIncarnation(topic: string): Promise<void> {
    if (this.#incarnations.has(topic)) return;
    this.#incarnations.set(topic, (await this.#parts.topics.register(topic, 0)).incarnation);
  }
}
