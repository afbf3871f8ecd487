import { describe, expect, it } from 'vitest';
import type { Instance, InstanceStore } from '#core/ports/control';
import type { DeadLetterStore } from '#core/ports/dead-letters';
import type { Verification } from '#core/reconcile';
import type { ReplicationStatus } from '#core/unit-state';
import { HandClock } from '#testing/hand-clock';
import { MemoryVerifications } from '#testing/memory-stores';
import { aPlan, aUnit } from '#testing/plans';
import { aVerification } from '#testing/verifications';
import { measure } from './measure.ts';

interface Case {
  readonly name: string;
  readonly runs: readonly Partial<Verification>[];
  readonly driftPpm: number;
  /** What the replicator says of the snapshot: that it ended a while before the runs, unless given. */
  readonly replication?: Partial<Pick<ReplicationStatus, 'planVersion' | 'snapshot'>>;
  readonly facts: { passed: boolean; differences: number; ageMs: number } | null;
}

const clock = new HandClock();
const ended = { state: 'passed', finishedAt: clock.iso(), rowsCompared: 1_000 } as const;

const SNAPSHOT = {
  ...{ complete: true, rows: 9, total: 9 },
  ...{ startedAt: '2025-12-31T23:00:00.000Z', completedAt: '2025-12-31T23:30:00.000Z' },
};

const CASES: readonly Case[] = [
  { name: 'no run', runs: [], driftPpm: 0, facts: null },
  { name: 'a queued run only', runs: [{}], driftPpm: 0, facts: null },
  {
    name: 'a run that passed, and one that runs',
    runs: [ended, { state: 'running' }],
    driftPpm: 0,
    facts: { passed: true, differences: 0, ageMs: 60_000 },
  },
  {
    name: 'a broken run after one that passed',
    runs: [ended, { ...ended, state: 'broken' }],
    driftPpm: 0,
    facts: { passed: false, differences: 0, ageMs: 60_000 },
  },
  {
    name: 'differences beyond what the plan tolerates',
    runs: [{ ...ended, state: 'failed', missing: 1, different: 1 }],
    driftPpm: 1_999,
    facts: { passed: false, differences: 2, ageMs: 60_000 },
  },
  {
    name: 'differences that the plan tolerates',
    runs: [{ ...ended, state: 'failed', missing: 1, extra: 1 }],
    driftPpm: 2_000,
    facts: { passed: true, differences: 2, ageMs: 60_000 },
  },
  {
    name: 'no run of before the snapshot was complete',
    runs: [ended],
    driftPpm: 0,
    replication: { snapshot: { ...SNAPSHOT, completedAt: '2026-01-01T00:00:00.001Z' } },
    facts: null,
  },
  {
    name: 'no run while the snapshot is not complete',
    runs: [ended],
    driftPpm: 0,
    replication: { snapshot: { ...SNAPSHOT, complete: false, completedAt: null } },
    facts: null,
  },
  {
    name: 'no run while the replicator speaks of an older plan',
    runs: [ended],
    driftPpm: 0,
    replication: { planVersion: 0 },
    facts: null,
  },
];

const instance = (id: string): Instance => ({ id, app: 'facade', at: clock.iso(), plans: {} });

describe('measure', () => {
  it.each(CASES)('takes its facts from $name', async ({ runs, driftPpm, replication, facts }) => {
    const verifications = new MemoryVerifications();
    for (const [index, run] of runs.entries())
      await verifications.create(aVerification({ id: `run-${index}`, ...run }));
    const later = new HandClock(clock.now() + 60_000);
    const plan = aPlan();
    const status: ReplicationStatus = {
      ...{ unit: plan.unit, planVersion: 1, at: clock.iso(), lagMs: null, backlog: 0, snapshot: SNAPSHOT },
      counts: { applied: 0, unchanged: 0, stale: 0, recheck: 0, deadLetters: 0 },
      ...replication,
    };
    const levels = { ...plan.levels, driftPpm };
    const unit = aUnit({ ...plan, levels }, { replication: status });
    const measured = await measure(unit, {
      verifications,
      deadLetters: { count: async () => 3 } as Partial<DeadLetterStore> as DeadLetterStore,
      instances: {
        alive: async () => [instance('f1'), instance('f2')],
      } as Partial<InstanceStore> as InstanceStore,
      clock: later,
    });
    expect(measured).toMatchObject({ deadLetters: 3, aliveFacades: 2, lagMs: null });
    expect(measured.snapshotComplete).toBe(
      (replication?.planVersion ?? 1) === 1 && (replication?.snapshot?.complete ?? true),
    );
    if (facts === null) expect(measured.lastVerification).toBeNull();
    else expect(measured.lastVerification).toEqual({ ...facts, rowsCompared: 1_000 });
  });
});
