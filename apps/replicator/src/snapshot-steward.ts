import { randomUUID } from 'node:crypto';
import type { Plan } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type { LegacyStore } from '#core/ports/legacy-store';
import type { SnapshotStore, TableSnapshot } from '#core/ports/replication';
import type { SnapshotProgress } from '#core/unit-state';
import type { SnapshotNotification } from '#debezium/notification';
import { isPast, type KafkaProgress, type Offsets } from '#kafka/progress';
import type { Logger } from '#observability/log';

/** After this silence a snapshot that did not end is ordered again; rows that come twice are harmless. */
const SILENCE_MS = 30_000;

export interface SnapshotParts {
  readonly snapshots: SnapshotStore;
  readonly progress: KafkaProgress;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Sees to it that every table of every plan has one complete snapshot, whatever was killed in between. */
export class SnapshotSteward {
  readonly #legacy: LegacyStore;
  readonly #parts: SnapshotParts;

  constructor(legacy: LegacyStore, parts: SnapshotParts) {
    this.#legacy = legacy;
    this.#parts = parts;
  }

  /** Orders what is missing (only when the connector runs) and closes what is applied. */
  async tend(
    plan: Plan,
    committed: ReadonlyMap<string, Offsets>,
    connectorRuns: boolean,
    of: { readonly lastSign: number },
  ): Promise<SnapshotProgress> {
    const { snapshots, clock } = this.#parts;
    const known = new Map((await snapshots.list(plan.unit)).map((one) => [one.table, one]));
    const order: string[] = [];
    for (const table of tablesOf(plan)) {
      const one = known.get(table);
      if (one?.completedAt) continue;
      if (one?.scanEnds) {
        if (isPast(committed, endsOf(plan, one)))
          await snapshots.change(plan.unit, table, { completedAt: this.#now() });
      } else if (clock.now() - Math.max(of.lastSign, lastSign(one)) > SILENCE_MS) {
        order.push(table);
      }
    }
    if (connectorRuns && order.length > 0) await this.#order(plan, order);
    return progressOf(tablesOf(plan), await snapshots.list(plan.unit));
  }

  /**
   * The newest sign of life of any running snapshot, ms since the epoch. The connector reads one table after the
   * other, so it counts for all that wait, whichever replicator heard it.
   */
  async lastSign(plans: readonly Plan[]): Promise<number> {
    const known = await Promise.all(plans.map((plan) => this.#parts.snapshots.list(plan.unit)));
    return Math.max(
      0,
      ...known.flat().map((one) => (one.progressAt === null ? 0 : Date.parse(one.progressAt))),
    );
  }

  /** Takes note of what the connector says of a snapshot. */
  async hear(plans: readonly Plan[], notification: SnapshotNotification): Promise<void> {
    for (const plan of plans) {
      for (const table of notification.tables.filter((name) => tablesOf(plan).includes(name))) {
        await this.#note(plan, table, notification);
      }
    }
  }

  async #note(plan: Plan, table: string, { kind }: SnapshotNotification): Promise<void> {
    const { snapshots, log, progress } = this.#parts;
    const at = this.#now();
    log.info({ unit: plan.unit, table }, `snapshot ${kind}`);
    switch (kind) {
      case 'started':
        return await snapshots.change(plan.unit, table, { startedAt: at, progressAt: at });
      case 'progress':
      case 'completed':
        return await snapshots.change(plan.unit, table, { progressAt: at });
      case 'aborted':
        return await snapshots.change(plan.unit, table, {
          requestedAt: null,
          startedAt: null,
          progressAt: null,
        });
      case 'scanned': {
        const topic = topicOf(plan, table);
        const ends = (await progress.endOffsets([topic])).get(topic) ?? new Map();
        const scanEnds = Object.fromEntries(
          [...ends].map(([partition, end]) => [String(partition), String(end)]),
        );
        return await snapshots.change(plan.unit, table, { scannedAt: at, progressAt: at, scanEnds });
      }
    }
  }

  async #order(plan: Plan, tables: readonly string[]): Promise<void> {
    const { snapshots, log } = this.#parts;
    for (const table of tables) {
      const total = await this.#legacy.countRows(table);
      await snapshots.change(plan.unit, table, { requestedAt: this.#now(), total });
    }
    log.info({ unit: plan.unit, tables }, 'ordering a snapshot');
    await this.#legacy.signalSnapshot(randomUUID(), tables);
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }
}

function tablesOf(plan: Plan): readonly string[] {
  return [plan.root.table, ...plan.embeds.map((embed) => embed.table)];
}

function topicOf(plan: Plan, table: string): string {
  return plan.embeds.find((embed) => embed.table === table)?.topic ?? plan.topic;
}

function endsOf(plan: Plan, one: TableSnapshot): ReadonlyMap<string, Offsets> {
  const ends = Object.entries(one.scanEnds ?? {}).map(([partition, end]): [number, bigint] => [
    Number(partition),
    BigInt(end),
  ]);
  return new Map([[topicOf(plan, one.table), new Map(ends)]]);
}

function lastSign(one: TableSnapshot | undefined): number {
  const times = [one?.requestedAt, one?.startedAt, one?.progressAt].flatMap((at) =>
    at ? [Date.parse(at)] : [],
  );
  return Math.max(0, ...times);
}

function progressOf(tables: readonly string[], known: readonly TableSnapshot[]): SnapshotProgress {
  const all = tables.map((table) => known.find((one) => one.table === table));
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
