import { randomUUID } from 'node:crypto';
import { type Plan, tablesOf, topicOf } from '#core/plan';
import type { Capture } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { InstanceStore } from '#core/ports/control';
import type { LegacyStore } from '#core/ports/legacy-store';
import type { SnapshotStore, TableSnapshot } from '#core/ports/replication';
import { nextSnapshotStep, signOf } from '#core/snapshot';
import type { SnapshotProgress, Unit } from '#core/unit-state';
import type { SnapshotNotification } from '#debezium/notification';
import { isPast, type KafkaProgress, type Offsets } from '#kafka/progress';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { Sweeper } from './sweeper.ts';

/** Replicators that beat within this time must all go by a plan before its tables are read. */
const ALIVE_MS = 3_000;

export interface SnapshotParts {
  readonly snapshots: SnapshotStore;
  readonly instances: InstanceStore;
  readonly progress: KafkaProgress;
  readonly sweeper: Sweeper;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a round goes by. */
export interface SnapshotRound {
  /** The unit's snapshots as they stand. */
  readonly known: readonly TableSnapshot[];
  readonly committed: ReadonlyMap<string, Offsets>;
  /** Only a connector that runs, and lacks nothing of the log, is given orders. */
  readonly mayOrder: boolean;
  readonly capture: Pick<Capture, 'generation' | 'sweeps'>;
  /** See `core/snapshot`. */
  readonly anew: number;
  /** See `lastSign`. */
  readonly lastSign: number;
}

/**
 * Sees to it that every table of every plan has one complete snapshot that was read by a plan new enough, whatever was
 * killed in between. `core/snapshot` decides.
 */
export class SnapshotSteward {
  readonly #legacy: LegacyStore;
  /** The topic on which the connector tells of its snapshots. */
  readonly #notifications: string;
  readonly #parts: SnapshotParts;

  constructor(legacy: LegacyStore, notifications: string, parts: SnapshotParts) {
    this.#legacy = legacy;
    this.#notifications = notifications;
    this.#parts = parts;
  }

  /** Orders what is missing and closes what is applied. */
  async tend(unit: Unit, round: SnapshotRound): Promise<SnapshotProgress> {
    const { snapshots, clock, sweeper } = this.#parts;
    const { plan } = unit;
    const { known, capture } = round;
    const order: string[] = [];
    let isChanged = false;
    for (const table of tablesOf(plan)) {
      const one = known.find((candidate) => candidate.table === table);
      const sweep = capture.sweeps.find((open) => open.unit === plan.unit && open.table === table);
      const step = nextSnapshotStep(one, {
        wanted: wantedOf(unit, table),
        now: clock.now(),
        lastSign: round.lastSign,
        isApplied: one !== undefined && isPast(round.committed, endsOf(plan, one)),
        isSwept: sweep === undefined,
        anew: round.anew,
      });
      if (step === 'sweep' && sweep !== undefined) void sweeper.sweep(unit, capture.generation, sweep);
      if (step === 'close') {
        await snapshots.change(plan.unit, table, { completedAt: this.#now() });
        isChanged = true;
      }
      if (step === 'order') order.push(table);
    }
    this.#report(plan, known);
    if (order.length > 0 && round.mayOrder && (await this.#isAdopted(unit))) {
      await this.#order(unit, order);
      isChanged = true;
    }
    return progressOf(unit, isChanged ? await snapshots.list(plan.unit) : known);
  }

  /**
   * The newest sign of life of any running snapshot, ms since the epoch. The connector reads one table after the
   * other, so it counts for all that wait, whichever replicator heard it.
   */
  static lastSign(known: readonly TableSnapshot[]): number {
    return Math.max(0, ...known.map((one) => (one.progressAt === null ? 0 : signOf(one))));
  }

  /** The snapshots of a unit as they stand. */
  async list(unit: string): Promise<readonly TableSnapshot[]> {
    return await this.#parts.snapshots.list(unit);
  }

  /** Takes note of what the connector says of a snapshot. @param offset of the notification in its topic. */
  async hear(plans: readonly Plan[], notification: SnapshotNotification, offset: bigint): Promise<void> {
    for (const plan of plans) {
      const own = tablesOf(plan).filter((table) => notification.tables.includes(table));
      if (own.length === 0) continue;
      const known = await this.#parts.snapshots.list(plan.unit);
      for (const table of own) {
        const one = known.find((candidate) => candidate.table === table);
        // What was said before the last order was said of an earlier scan.
        if (one === undefined || offset < BigInt(one.orderedAfter)) continue;
        await this.#note(plan, table, notification);
      }
    }
  }

  async #note(plan: Plan, table: string, { kind, status }: SnapshotNotification): Promise<void> {
    const { snapshots, log, progress } = this.#parts;
    const at = this.#now();
    log.info({ unit: plan.unit, table, status }, `snapshot ${kind}`);
    switch (kind) {
      case 'started':
        return await snapshots.change(plan.unit, table, { startedAt: at, progressAt: at, failure: null });
      case 'progress':
      case 'completed':
        return await snapshots.change(plan.unit, table, { progressAt: at });
      case 'aborted':
        // As if it had not been taken up: it is ordered again after a while.
        return await snapshots.change(plan.unit, table, { startedAt: null, progressAt: at, failure: status });
      case 'scanned': {
        const topic = topicOf(plan, table);
        const ends = (await progress.endOffsets([topic])).get(topic) ?? new Map();
        const scanEnds = Object.fromEntries(
          [...ends].map(([partition, end]) => [String(partition), String(end)]),
        );
        return await snapshots.change(plan.unit, table, {
          ...{ scannedAt: at, progressAt: at, scanEnds, failure: null },
        });
      }
    }
  }

  /** A replicator that still goes by an older plan would apply the rows without what the new one wants of them. */
  async #isAdopted({ plan, planVersion }: Unit): Promise<boolean> {
    const alive = await this.#parts.instances.alive('replicator', ALIVE_MS);
    return alive.every((one) => (one.plans[plan.unit] ?? 0) >= planVersion);
  }

  async #order(unit: Unit, tables: readonly string[]): Promise<void> {
    const { snapshots, progress, log } = this.#parts;
    const name = unit.plan.unit;
    const ends = (await progress.endOffsets([this.#notifications])).get(this.#notifications);
    const orderedAfter = String(ends?.get(0) ?? 0n);
    for (const table of tables) {
      const version = wantedOf(unit, table);
      await snapshots.begin(name, table, { version, orderedAfter, requestedAt: this.#now() });
    }
    log.info({ unit: name, tables }, 'ordering a snapshot');
    await this.#legacy.signalSnapshot(randomUUID(), tables);
    void this.#count(name, tables);
  }

  /** For progress only, and a large table takes a while to count. */
  async #count(unit: string, tables: readonly string[]): Promise<void> {
    try {
      for (const table of tables) {
        const total = await this.#legacy.countRows(table);
        await this.#parts.snapshots.change(unit, table, { total });
      }
    } catch (error) {
      this.#parts.log.warn({ err: error, unit }, 'rows of the snapshot could not be counted');
    }
  }

  #report(plan: Plan, known: readonly TableSnapshot[]): void {
    const { dependencies } = this.#parts;
    const dependency = `snapshot:${plan.unit}`;
    const failed = known.find((one) => one.failure !== null && tablesOf(plan).includes(one.table));
    if (failed === undefined) dependencies.up(dependency);
    else
      dependencies.down(
        dependency,
        new Error(`the connector could not read ${failed.table}: ${failed.failure}; it is asked again`),
      );
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }
}

/** A plan's tables are wanted from its first version on, those that a change concerned from that change on. */
function wantedOf({ snapshotWanted }: Unit, table: string): number {
  return snapshotWanted.find((one) => one.table === table)?.version ?? 1;
}

function endsOf(plan: Plan, one: TableSnapshot): ReadonlyMap<string, Offsets> {
  const ends = Object.entries(one.scanEnds ?? {}).map(([partition, end]): [number, bigint] => [
    Number(partition),
    BigInt(end),
  ]);
  return new Map([[topicOf(plan, one.table), new Map(ends)]]);
}

function progressOf(unit: Unit, known: readonly TableSnapshot[]): SnapshotProgress {
  const tables = tablesOf(unit.plan);
  // One of an older plan is none yet.
  const all = tables.map((table) =>
    known.find((one) => one.table === table && one.version >= wantedOf(unit, table)),
  );
  const times = (pick: (one: TableSnapshot) => string | null): string[] =>
    all.flatMap((one) => (one && pick(one)) || []);
  const complete = all.every((one) => one?.completedAt);
  const totals = all.map((one) => one?.total ?? null);
  return {
    complete,
    rows: all.reduce((sum, one) => sum + (one?.rows ?? 0), 0),
    total: totals.every((total) => total !== null) ? totals.reduce((sum, total) => sum + total, 0) : null,
    startedAt: times((one) => one.requestedAt).sort()[0] ?? null,
    completedAt: complete
      ? (times((one) => one.completedAt)
          .sort()
          .at(-1) ?? null)
      : null,
  };
}
