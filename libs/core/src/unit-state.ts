import type { Phase } from './phase.ts';
import type { Plan } from './plan.ts';

/** Where a unit stands. Changed only by compare-and-set on `revision`. */
export interface UnitState {
  readonly unit: string;
  readonly phase: Phase;
  /** Raised only when the authority really changes; orders versions. */
  readonly epoch: number;
  /** Raised by every attempted flip and every cancel; fences writers. */
  readonly term: number;
  readonly revision: number;
  /** ISO 8601 UTC: when the unit came into this phase. */
  readonly since: string;
  /** Id of the flip that brought it here; null while it stands where it was created. */
  readonly transition: string | null;
}

/** A unit as an app sees it: the applied plan and the state, read together. */
export interface Unit {
  readonly plan: Plan;
  /** Counts the applied versions of the plan, and the orders to read all of its tables again. */
  readonly planVersion: number;
  /** Tables that a change of the plan had read again, with the version that last did. */
  readonly snapshotWanted: readonly { readonly table: string; readonly version: number }[];
  readonly state: UnitState;
  /** For how many databases that took its source's place (`Capture.replacements`) it has an epoch, its newest ones. */
  readonly replaced: number;
  /** What the replicator last said of the forward leg; null before its first word. */
  readonly replication: ReplicationStatus | null;
}

/** What a replicator writes of a unit's forward leg, about once a second. */
export interface ReplicationStatus {
  readonly unit: string;
  /** The plan that it speaks of. */
  readonly planVersion: number;
  /** ISO 8601 UTC by the replicator's clock: a status older than a few seconds says nothing about now. */
  readonly at: string;
  /**
   * Milliseconds between the newest commit of the source that is known to be wholly applied and now; null while
   * it is not known (no heartbeat seen yet).
   */
  readonly lagMs: number | null;
  /** Records of the unit's topics that are not applied yet. */
  readonly backlog: number;
  readonly snapshot: SnapshotProgress;
  readonly counts: ReplicationCounts;
}

export interface SnapshotProgress {
  readonly complete: boolean;
  /** Snapshot rows applied since the snapshot began, all tables of the unit. */
  readonly rows: number;
  /** Rows in the source when the snapshot was ordered; null when it was not counted. */
  readonly total: number | null;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
}

/** Since the unit was applied, over all instances. */
export interface ReplicationCounts {
  readonly applied: number;
  readonly unchanged: number;
  readonly stale: number;
  readonly recheck: number;
  readonly deadLetters: number;
}

/** Milliseconds after which a replication status is too old to route by. */
export const STATUS_EXPIRES_MS = 5_000;

/** The lag to route by: what the status says plus its age; null when nobody knows. */
export function currentLag(status: ReplicationStatus | null, now: number): number | null {
  if (status === null || status.lagMs === null) return null;
  const age = Math.max(0, now - Date.parse(status.at));
  return age > STATUS_EXPIRES_MS ? null : status.lagMs + age;
}

/** Does MongoDB hold all that the applied plan wants of the source's rows? */
export function isSnapshotComplete({ planVersion, replication }: Unit): boolean {
  return replication !== null && replication.planVersion === planVersion && replication.snapshot.complete;
}
