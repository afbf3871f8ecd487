import type { Phase, Step } from './phase.ts';
import { BUILT_PHASES, stepsFrom } from './phase.ts';
import type { Mode } from './plan.ts';

/** Each refusal of a flip has its own name, which is part of the admin API and never changes. */
export const GUARDS = [
  'phase-built',
  'snapshot-complete',
  'lag',
  'dead-letters',
  'verified',
  'drift',
  'instances-alive',
] as const;
export type GuardName = (typeof GUARDS)[number];

/** A measured condition with its limit. `value` and `limit` are shown to people as they stand. */
export interface Guard {
  readonly name: GuardName;
  readonly passed: boolean;
  readonly value: string;
  readonly limit: string;
}

/** What was measured of a unit when a flip was asked for. Null: could not be measured, which never passes. */
export interface Measurements {
  readonly mode: Mode;
  readonly lagMs: number | null;
  readonly lagLimitMs: number;
  readonly snapshotComplete: boolean;
  readonly deadLetters: number | null;
  readonly lastVerification: VerificationFacts | null;
  readonly verifiedLimitMs: number;
  readonly driftLimitPpm: number;
  /** The plan says that the unit may have no rows: then a comparison of none proves what one of some does. */
  readonly allowEmpty: boolean;
  readonly aliveFacades: number | null;
}

export interface VerificationFacts {
  readonly ageMs: number;
  readonly passed: boolean;
  readonly rowsCompared: number;
  readonly differences: number;
}

/** Judges every guard of a step; going down to legacy needs nothing but a built phase, since legacy is the authority. */
export function judgeGuards(step: Step, measured: Measurements): readonly Guard[] {
  const built = BUILT_PHASES.includes(step.to);
  const guards: Guard[] = [
    { name: 'phase-built', passed: built, value: step.to, limit: BUILT_PHASES.join(', ') },
  ];
  if (step.direction === 'down') return guards;
  guards.push(
    {
      name: 'snapshot-complete',
      passed: measured.snapshotComplete,
      value: measured.snapshotComplete ? 'complete' : 'running',
      limit: 'complete',
    },
    atMost('lag', measured.lagMs, measured.lagLimitMs, 'ms'),
    atMost('dead-letters', measured.deadLetters, 0, ''),
    judgeVerified(measured),
    judgeDrift(measured),
    {
      name: 'instances-alive',
      passed: (measured.aliveFacades ?? 0) > 0,
      value: measured.aliveFacades === null ? 'unknown' : String(measured.aliveFacades),
      limit: 'at least 1 facade',
    },
  );
  return guards;
}

export type TransitionRefusal = 'already-there' | 'no-such-step';

/** The step that a request names, or why there is none. Steps are taken one at a time. */
export function findStep(mode: Mode, from: Phase, to: Phase): Step | TransitionRefusal {
  if (from === to) return 'already-there';
  return stepsFrom(mode, from).find((step) => step.to === to) ?? 'no-such-step';
}

function judgeVerified(measured: Measurements): Guard {
  const last = measured.lastVerification;
  const rows = measured.allowEmpty ? '' : 'rows > 0, ';
  const limit = `passed, ${rows}at most ${measured.verifiedLimitMs} ms old`;
  if (last === null) return { name: 'verified', passed: false, value: 'never', limit };
  return {
    name: 'verified',
    passed:
      last.passed && (last.rowsCompared > 0 || measured.allowEmpty) && last.ageMs <= measured.verifiedLimitMs,
    value: `${last.passed ? 'passed' : 'failed'}, ${last.rowsCompared} rows, ${last.ageMs} ms old`,
    limit,
  };
}

function judgeDrift(measured: Measurements): Guard {
  const last = measured.lastVerification;
  const limit = `${measured.driftLimitPpm} ppm`;
  if (last === null || (last.rowsCompared === 0 && !measured.allowEmpty))
    return { name: 'drift', passed: false, value: 'unknown', limit };
  const ppm = (last.differences * 1_000_000) / Math.max(1, last.rowsCompared);
  return { name: 'drift', passed: ppm <= measured.driftLimitPpm, value: `${Math.ceil(ppm)} ppm`, limit };
}

function atMost(name: GuardName, value: number | null, limit: number, unit: string): Guard {
  const shown = (amount: number): string => (unit === '' ? String(amount) : `${amount} ${unit}`);
  return {
    name,
    passed: value !== null && value <= limit,
    value: value === null ? 'unknown' : shown(value),
    limit: shown(limit),
  };
}
