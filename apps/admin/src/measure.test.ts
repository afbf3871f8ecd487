import { describe, expect, it } from 'vitest';
import type { DeadLetterStore, InstanceStore } from '#core/ports/control';
import type { Verification } from '#core/reconcile';
import { HandClock } from '#testing/hand-clock';
import { MemoryVerifications } from '#testing/memory-stores';
import { aPlan, aUnit } from '#testing/plans';
import { aVerification } from '#testing/verifications';
import { measure } from './measure.ts';

interface Case {
  readonly name: string;
  readonly runs: readonly Partial<Verification>[];
  readonly driftPpm: number;
  readonly facts: { passed: boolean; differences: number; ageMs: number } | null;
}

const clock = new HandClock();
const ended = { state: 'passed', finishedAt: clock.iso(), rowsCompared: 1_000 } as const;

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
];

describe('measure', () => {
  it.each(CASES)('takes its facts from $name', async ({ runs, driftPpm, facts }) => {
    const verifications = new MemoryVerifications();
    for (const [index, run] of runs.entries())
      await verifications.create(aVerification({ id: `run-${index}`, ...run }));
    const later = new HandClock(clock.now() + 60_000);
    const plan = aPlan();
    const unit = aUnit({ ...plan, levels: { ...plan.levels, driftPpm } });
    const measured = await measure(unit, {
      verifications,
      deadLetters: { count: async () => 3 } as Partial<DeadLetterStore> as DeadLetterStore,
      instances: { alive: async () => ['f1', 'f2'] } as Partial<InstanceStore> as InstanceStore,
      clock: later,
    });
    expect(measured).toMatchObject({ deadLetters: 3, aliveFacades: 2, lagMs: null, snapshotComplete: false });
    if (facts === null) expect(measured.lastVerification).toBeNull();
    else expect(measured.lastVerification).toEqual({ ...facts, rowsCompared: 1_000 });
  });
});
