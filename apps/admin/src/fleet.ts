import { FicusError } from '#core/errors';
import { type Phase, type Step, stepsFrom } from '#core/phase';
import { knowsColumn } from '#core/plan';
import type { CaptureStore } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { UnitStore, VerificationStore } from '#core/ports/control';
import type { DeadLetterStore } from '#core/ports/dead-letters';
import type { UnknownColumn, UnknownColumnStore } from '#core/ports/replication';
import type { Verification, VerificationState } from '#core/reconcile';
import { currentLag, type ReplicationCounts, type SnapshotProgress, type Unit } from '#core/unit-state';
import { lastEnded } from './measure.ts';
import { type CaptureView, captureView } from './systems.ts';

/** A unit as an operator sees it. Times are ISO 8601 UTC, durations milliseconds. */
export interface UnitView {
  readonly unit: string;
  readonly owner: string;
  readonly description: string;
  readonly mode: string;
  readonly system: string;
  readonly phase: Phase;
  readonly since: string;
  readonly epoch: number;
  readonly term: number;
  readonly revision: number;
  readonly planVersion: number;
  /** Behind the source's commit, now; null while nobody knows. */
  readonly lagMs: number | null;
  readonly lagLimitMs: number;
  /** What the replicator last said, and when; null before its first word. */
  readonly reportedAt: string | null;
  readonly backlog: number | null;
  readonly counts: ReplicationCounts | null;
  readonly snapshot: SnapshotView | null;
  readonly deadLetters: number;
  readonly unknownColumns: number;
  readonly verification: VerificationSummary | null;
  /** Of the unit's legacy system, and so of all its units. */
  readonly capture: CaptureView;
  readonly steps: readonly Omit<Step, 'from'>[];
}

export interface SnapshotView extends SnapshotProgress {
  readonly rowsPerSecond: number | null;
  readonly remainingMs: number | null;
}

export interface VerificationSummary {
  readonly id: string;
  readonly state: VerificationState;
  readonly finishedAt: string | null;
  readonly rowsCompared: number;
  readonly differences: number;
}

export interface FleetParts {
  readonly units: UnitStore;
  readonly deadLetters: DeadLetterStore;
  readonly unknownColumns: UnknownColumnStore;
  readonly verifications: VerificationStore;
  readonly captures: CaptureStore;
  readonly clock: Clock;
}

/** All units with how they are. */
export class Fleet {
  readonly #parts: FleetParts;

  constructor(parts: FleetParts) {
    this.#parts = parts;
  }

  async all(): Promise<readonly UnitView[]> {
    const units = await this.#parts.units.readAll();
    return await Promise.all(units.map((unit) => this.#view(unit)));
  }

  async one(name: string): Promise<UnitView> {
    return await this.#view(await this.unit(name));
  }

  /** @throws FicusError `unit_unknown`. */
  async unit(name: string): Promise<Unit> {
    const unit = await this.#parts.units.read(name);
    if (unit === null) throw new FicusError('unit_unknown', `unit "${name}" does not exist`);
    return unit;
  }

  /** Columns that events have brought and that the plan does not know to this day. */
  async unknownColumns({ plan }: Unit): Promise<readonly UnknownColumn[]> {
    const reported = await this.#parts.unknownColumns.list(plan.unit);
    return reported.filter(({ table, column }) => !knowsColumn(plan, table, column));
  }

  async #view(unit: Unit): Promise<UnitView> {
    const { deadLetters, verifications, captures, clock } = this.#parts;
    const name = unit.plan.unit;
    const [letters, columns, verification, capture] = await Promise.all([
      deadLetters.count(name),
      this.unknownColumns(unit),
      lastEnded(name, verifications),
      captures.read(unit.plan.system),
    ]);
    const now = clock.now();
    const { plan, planVersion, replication, state } = unit;
    const { phase, since, epoch, term, revision } = state;
    return {
      unit: name,
      owner: plan.owner,
      description: plan.description,
      mode: plan.mode,
      system: plan.system,
      phase,
      since,
      epoch,
      term,
      revision,
      planVersion,
      lagMs: currentLag(replication, now),
      lagLimitMs: plan.levels.lagMs,
      reportedAt: replication?.at ?? null,
      backlog: replication?.backlog ?? null,
      counts: replication?.counts ?? null,
      snapshot: replication === null ? null : snapshotView(replication.snapshot, now),
      deadLetters: letters,
      unknownColumns: columns.length,
      verification: verification === null ? null : summaryOf(verification),
      capture: captureView(capture),
      steps: stepsFrom(plan.mode, phase).map(({ to, direction }) => ({ to, direction })),
    };
  }
}

/** Rate and remaining time by what was done so far. */
export function snapshotView(snapshot: SnapshotProgress, now: number): SnapshotView {
  const { startedAt, completedAt, rows, total } = snapshot;
  const seconds =
    startedAt === null
      ? 0
      : ((completedAt === null ? now : Date.parse(completedAt)) - Date.parse(startedAt)) / 1_000;
  const rowsPerSecond = seconds > 0 ? Math.round(rows / seconds) : null;
  const isKnown = !snapshot.complete && total !== null && rowsPerSecond !== null && rowsPerSecond > 0;
  const remainingMs = isKnown ? Math.round((Math.max(0, total - rows) * 1_000) / rowsPerSecond) : null;
  return { ...snapshot, rowsPerSecond, remainingMs };
}

function summaryOf({ id, state, finishedAt, rowsCompared, missing, extra, different }: Verification) {
  return { id, state, finishedAt, rowsCompared, differences: missing + extra + different };
}
