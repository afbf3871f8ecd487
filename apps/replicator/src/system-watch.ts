import type { Kafka } from 'kafkajs';
import type { LegacySystem } from '#config/systems';
import { epochLookup, type LogPlace } from '#core/epoch';
import { FicusError, reasonOf } from '#core/errors';
import { forwardGroup, type Plan, tablesOf, topicsOf } from '#core/plan';
import type { Capture, CaptureStore } from '#core/ports/capture';
import type { LegacyStore, LogTraits } from '#core/ports/legacy-store';
import type { ReplicationStatusStore, TableSnapshot } from '#core/ports/replication';
import type { Unit } from '#core/unit-state';
import { comparePositions, type Position } from '#core/version';
import { heartbeatTopic, notificationTopic } from '#debezium/connector-config';
import type { RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { readNotification } from '#debezium/notification';
import { LogConsumer } from '#kafka/consumer';
import { lostLog } from '#kafka/errors';
import { backlogOf, isPast, type Offsets, RESET } from '#kafka/progress';
import type { CaptureRound, CaptureSteward } from './capture-steward.ts';
import type { Connector } from './connector-steward.ts';
import type { Mender } from './mender.ts';
import type { Meters } from './meters.ts';
import { type SnapshotParts, type SnapshotRound, SnapshotSteward } from './snapshot-steward.ts';
import { Watermarks } from './watermarks.ts';

export interface WatchParts extends SnapshotParts {
  readonly kafka: Kafka;
  readonly connector: Connector;
  readonly capture: CaptureSteward;
  readonly decoder: RecordDecoder;
  readonly snapshot: SnapshotSteward;
  readonly legacy: LegacyStore;
  readonly mender: Mender;
  readonly status: ReplicationStatusStore;
  readonly captures: CaptureStore;
  readonly meters: Meters;
}

/** How often the source is asked for its time and for its tables' columns. */
const SKEW_MS = 10_000;

/**
 * Watches one legacy system: the pulse of its connector, its snapshots, and how far each unit is behind. All
 * replicators join one group; the one that holds the heartbeat's partition reports for the others.
 */
export class SystemWatch {
  readonly #name: string;
  readonly #group: string;
  readonly #parts: WatchParts;
  readonly #topics: { readonly heartbeat: string; readonly notification: string };
  readonly #consumer: LogConsumer;
  readonly #watermarks = new Map<string, Watermarks>();
  #units: readonly Unit[] = [];
  /** `epoch` counts the databases that have been the source. */
  #beat: { readonly at: number; readonly position: Position; readonly epoch: number } | null = null;
  #epochOf: (of: LogPlace) => number = () => 1;
  #reports = false;
  #mends = false;
  #traits: { readonly of: string; readonly at: number; readonly traits: LogTraits } | null = null;
  /** The source's clock less ours. */
  #skewMs = 0;
  #skewAt = 0;

  constructor(name: string, system: LegacySystem, parts: WatchParts) {
    this.#name = name;
    this.#group = `ficus-pulse-${name}`;
    this.#parts = parts;
    const { topicPrefix } = system.capture;
    this.#topics = {
      heartbeat: heartbeatTopic(system.kind, topicPrefix),
      notification: notificationTopic(topicPrefix),
    };
    const dependency = `kafka:pulse:${name}`;
    this.#consumer = new LogConsumer(parts.kafka, {
      group: this.#group,
      topics: [this.#topics.heartbeat, this.#topics.notification],
      clock: parts.clock,
      handle: (records) => this.#hear(records),
      // What is missing of the pulse is of no use any more: it goes on with what there is.
      lost: {
        noted: async () => undefined,
        goesOn: ({ topic, partition }) => parts.progress.firstOffset(topic, partition),
        found: async () => undefined,
      },
      fine: () => parts.dependencies.up(dependency),
      trouble: (error) => parts.dependencies.down(dependency, error),
      assigned: (partitions) => {
        this.#reports = (partitions[this.#topics.heartbeat]?.length ?? 0) > 0;
      },
    });
  }

  start(): void {
    this.#consumer.start();
  }

  async stop(): Promise<void> {
    await this.#consumer.stop();
  }

  /** One round: place in the log, connector, then watermarks, snapshots and status of each unit, and what must be read from the source. Never throws. */
  async tend(units: readonly Unit[]): Promise<void> {
    this.#units = units;
    const round = await this.#tendCapture(units.map(({ plan }) => plan));
    if (!this.#reports) return;
    void this.#mend(units);
    await this.#learnSkew();
    try {
      const { known, lastSign } = await this.#snapshotsOf(units);
      // Read after the snapshots: one of them that is all applied may be of after a new beginning.
      const capture = await this.#parts.captures.read(this.#name);
      this.#epochOf = epochLookup(capture.replacements.length + 1, capture.replacements);
      for (const [index, unit] of units.entries())
        await this.#report(unit, {
          ...{ known: known[index] ?? [], lastSign, capture },
          anew: this.#parts.capture.anew(capture),
          mayOrder:
            (round?.reads ?? false) &&
            this.#parts.connector.healthy &&
            unit.replaced >= capture.replacements.length,
        });
      if (round !== null) await this.#parts.capture.settle(units, round);
    } catch (error) {
      this.#parts.log.warn({ system: this.#name }, `status: ${reasonOf(error)}`);
    }
  }

  /**
   * The units' snapshots, and the newest sign of life of them. What the connector has said of one and nobody has heard yet
   * is one, too: it was not silent, but we were.
   */
  async #snapshotsOf(
    units: readonly Unit[],
  ): Promise<{ readonly known: readonly (readonly TableSnapshot[])[]; readonly lastSign: number }> {
    const { progress, snapshot, clock } = this.#parts;
    const list = (): Promise<readonly (readonly TableSnapshot[])[]> =>
      Promise.all(units.map(({ plan }) => snapshot.list(plan.unit)));
    const found = await list();
    const isAnyOpen = found.flat().some((one) => one.requestedAt !== null && one.scannedAt === null);
    if (!isAnyOpen) return { known: found, lastSign: SnapshotSteward.lastSign(found.flat()) };
    const topics = [this.#topics.notification];
    const ends = await progress.endOffsets(topics);
    const isHeard = isPast(await progress.committed(this.#group, topics), ends);
    // Once more: what was heard meanwhile is in them now.
    const known = await list();
    return { known, lastSign: isHeard ? SnapshotSteward.lastSign(known.flat()) : clock.now() };
  }

  /** The connector, as far as the place in the log lets it run; null while the control database is away. */
  async #tendCapture(plans: readonly Plan[]): Promise<CaptureRound | null> {
    const { capture, connector, log } = this.#parts;
    try {
      const round = await capture.tend();
      if (!round.streams) return round;
      const traits = await this.#traitsOf(plans.flatMap(tablesOf));
      // Without the source's answer the connector stays as it is; it could not stream from there either.
      if (traits === null) return round;
      await connector.tend({ plans, traits });
      await capture.tended(round);
      return round;
    } catch (error) {
      log.warn({ system: this.#name }, `capture: ${reasonOf(error)}`);
      return null;
    }
  }

  /** Beside the rounds: a source that answers slowly must not hold up the status. */
  async #mend(units: readonly Unit[]): Promise<void> {
    const { mender, meters, log } = this.#parts;
    if (this.#mends) return;
    this.#mends = true;
    for (const unit of units) {
      try {
        const mended = await mender.round(unit);
        if (mended > 0) meters.mended(unit.plan.unit, mended);
      } catch (error) {
        log.warn({ unit: unit.plan.unit }, `documents to be read from the source: ${reasonOf(error)}`);
      }
    }
    this.#mends = false;
  }

  /** Asked when the tables change and now and then; what was last known while the source is away, null before. */
  async #traitsOf(tables: readonly string[]): Promise<LogTraits | null> {
    const { clock, legacy, log } = this.#parts;
    const of = tables.join();
    const known = this.#traits;
    if (known !== null && known.of === of && clock.now() - known.at < SKEW_MS) return known.traits;
    try {
      const traits = await legacy.logTraits(tables);
      this.#traits = { of, at: clock.now(), traits };
      return traits;
    } catch (error) {
      log.warn({ system: this.#name }, `tables of the source: ${reasonOf(error)}`);
      return known !== null && known.of === of ? known.traits : null;
    }
  }

  /** Commit times are the source's, and its clock need not be ours. A source that is away keeps the last known skew. */
  async #learnSkew(): Promise<void> {
    const { clock, legacy } = this.#parts;
    if (clock.now() - this.#skewAt < SKEW_MS) return;
    try {
      const before = clock.now();
      const theirs = await legacy.now();
      this.#skewMs = theirs - (before + clock.now()) / 2;
      this.#skewAt = clock.now();
    } catch (error) {
      this.#parts.log.warn({ system: this.#name }, `clock of the source: ${reasonOf(error)}`);
    }
  }

  async #report(
    unit: Unit,
    of: Omit<SnapshotRound, 'committed' | 'capture'> & { readonly capture: Capture },
  ): Promise<void> {
    const { plan, planVersion } = unit;
    const { clock, progress, snapshot, status, meters } = this.#parts;
    const topics = topicsOf(plan);
    // The beat is taken first: what was committed before it lies below the ends that are sampled after it.
    const beat = this.#beat?.at ?? 0;
    const ends = await progress.endOffsets(topics);
    const committed = await progress.committed(forwardGroup(plan.unit), topics);
    this.#mindReplaced(plan, ends, committed);
    const watermarks = this.#watermarks.get(plan.unit) ?? new Watermarks();
    this.#watermarks.set(plan.unit, watermarks);
    if (beat > 0) watermarks.sampled(beat, ends);
    const appliedUpTo = watermarks.committed(committed);
    const snapshots = await snapshot.tend(unit, { ...of, committed });
    const now = clock.now();
    // With changes missing nobody knows up to when all is applied, whatever still comes.
    const isWhole = of.capture.lost === null;
    const lagMs = appliedUpTo === null || !isWhole ? null : Math.max(0, now + this.#skewMs - appliedUpTo);
    const backlog = Number(backlogOf(ends, committed));
    await status.put({
      unit: plan.unit,
      planVersion,
      at: new Date(now).toISOString(),
      lagMs,
      backlog,
      snapshot: snapshots,
    });
    meters.lagging(plan.unit, lagMs, backlog);
  }

  /** An offset outside of the log orders nothing against what was written before. */
  #mindReplaced(
    plan: Plan,
    ends: ReadonlyMap<string, Offsets>,
    committed: ReadonlyMap<string, Offsets>,
  ): void {
    const dependency = `log:${plan.unit}`;
    for (const [topic, partitions] of committed) {
      for (const [partition, at] of partitions) {
        const end = ends.get(topic)?.get(partition) ?? 0n;
        if (at !== RESET && at <= end) continue;
        this.#parts.dependencies.down(dependency, lostLog(topic, partition));
        return;
      }
    }
    this.#parts.dependencies.up(dependency);
  }

  async #hear(records: readonly LogRecord[]): Promise<void> {
    await this.#parts.decoder.prepare(records, null);
    for (const record of records) {
      if (record.value === null) continue;
      try {
        if (record.topic === this.#topics.notification) await this.#hearNotification(record);
        else this.#hearBeat(record);
      } catch (error) {
        // What cannot be read must not stop the pulse of every unit.
        if (!(error instanceof FicusError) || error.retryable) throw error;
        const { topic, partition, offset } = record;
        this.#parts.log.error(
          { err: error, topic, partition, offset },
          'a record of the pulse is passed over',
        );
      }
    }
  }

  async #hearNotification(record: LogRecord): Promise<void> {
    const notification = readNotification(this.#parts.decoder.payload(record));
    if (notification === null) return;
    const plans = this.#units.map((unit) => unit.plan);
    await this.#parts.snapshot.hear(plans, notification, record.offset);
  }

  /** A connector that starts anew repeats older beats: they bring no news. */
  #hearBeat(record: LogRecord): void {
    const decoded = this.#parts.decoder.decode(record, 0, null);
    if (decoded.kind !== 'change') return;
    const { committedAt, position } = decoded.event;
    if (committedAt === null || position === null) return;
    const epoch = this.#epochOf(record);
    const before = this.#beat;
    if (before !== null && epoch < before.epoch) return;
    const isOther = before !== null && epoch > before.epoch;
    if (before !== null && !isOther && comparePositions(position, before.position) <= 0) return;
    // Of another source, or its clock was set back: what was sampled by the old one would look newer for as long as that.
    if (isOther || (before !== null && committedAt < before.at)) this.#watermarks.clear();
    this.#beat = { at: committedAt, position, epoch };
  }
}
