import type { Clock } from '#core/ports/clock';
import type { InstanceStore, VerificationStore } from '#core/ports/control';
import type { DeadLetterStore } from '#core/ports/dead-letters';
import type { Verification } from '#core/reconcile';
import type { Measurements, VerificationFacts } from '#core/transition';
import { currentLag, isSnapshotComplete, type Unit } from '#core/unit-state';

export interface MeasureParts {
  readonly verifications: VerificationStore;
  readonly deadLetters: DeadLetterStore;
  readonly instances: InstanceStore;
  readonly clock: Clock;
}

/** A facade beats every second; one that missed three is not counted. */
const ALIVE_MS = 3_000;
/** Runs that are looked through for the last one that ended. */
const LOOKED_AT = 20;

/** Measures what the guards judge, now. */
export async function measure(unit: Unit, parts: MeasureParts): Promise<Measurements> {
  const { plan, replication } = unit;
  const [last, deadLetters, facades] = await Promise.all([
    lastEnded(plan.unit, parts.verifications),
    parts.deadLetters.count(plan.unit),
    parts.instances.alive('facade', ALIVE_MS),
  ]);
  const now = parts.clock.now();
  return {
    mode: plan.mode,
    lagMs: currentLag(replication, now),
    lagLimitMs: plan.levels.lagMs,
    snapshotComplete: isSnapshotComplete(unit),
    deadLetters,
    lastVerification:
      last === null || !isOfSnapshot(last, unit) ? null : factsOf(last, plan.levels.driftPpm, now),
    verifiedLimitMs: plan.levels.verifiedMs,
    driftLimitPpm: plan.levels.driftPpm,
    allowEmpty: plan.reconcile.allowEmpty,
    aliveFacades: facades.length,
  };
}

/** The newest verification of a unit that has ended, however it ended. */
export async function lastEnded(
  unit: string,
  verifications: VerificationStore,
): Promise<Verification | null> {
  const recent = await verifications.history(unit, LOOKED_AT);
  return recent.find((one) => one.finishedAt !== null) ?? null;
}

/** A run that began before the snapshot that the plan wants was complete proves nothing of what is now. */
function isOfSnapshot(run: Verification, unit: Unit): boolean {
  const completedAt = unit.replication?.snapshot.completedAt ?? null;
  if (!isSnapshotComplete(unit) || completedAt === null) return false;
  return Date.parse(run.startedAt ?? run.requestedAt) >= Date.parse(completedAt);
}

/** How many differences are tolerable is for the drift guard to say; the run itself must have been carried out. */
function factsOf(run: Verification, limitPpm: number, now: number): VerificationFacts {
  const differences = run.missing + run.extra + run.different;
  const isTolerable = differences * 1_000_000 <= limitPpm * run.rowsCompared;
  return {
    ageMs: now - Date.parse(run.finishedAt ?? run.requestedAt),
    passed: run.state === 'passed' || (run.state === 'failed' && isTolerable),
    rowsCompared: run.rowsCompared,
    differences,
  };
}
