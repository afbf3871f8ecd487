import { describe, expect, it } from 'vitest';
import type { Step } from './phase.ts';
import { findStep, GUARDS, judgeGuards, type Measurements } from './transition.ts';

const UP: Step = { from: 'legacy', to: 'offload', direction: 'up' };
const DOWN: Step = { from: 'offload', to: 'legacy', direction: 'down' };

const green: Measurements = {
  mode: 'RW',
  lagMs: 5_000,
  lagLimitMs: 5_000,
  snapshotComplete: true,
  deadLetters: 0,
  lastVerification: { ageMs: 1_000, passed: true, rowsCompared: 2_000_000, differences: 0 },
  verifiedLimitMs: 1_000,
  driftLimitPpm: 0,
  allowEmpty: false,
  aliveFacades: 1,
};
const verified = (
  changes: Partial<NonNullable<Measurements['lastVerification']>>,
): Partial<Measurements> => ({
  lastVerification: { ageMs: 0, passed: true, rowsCompared: 10, differences: 0, ...changes },
});

interface Case {
  readonly what: string;
  readonly measured: Partial<Measurements>;
  /** Names of the guards that are red. */
  readonly red: readonly string[];
}

const cases: readonly Case[] = [
  { what: 'everything at its limit', measured: {}, red: [] },
  { what: 'lag over its level', measured: { lagMs: 5_001 }, red: ['lag'] },
  { what: 'lag unknown', measured: { lagMs: null }, red: ['lag'] },
  { what: 'a running snapshot', measured: { snapshotComplete: false }, red: ['snapshot-complete'] },
  { what: 'a dead letter', measured: { deadLetters: 1 }, red: ['dead-letters'] },
  { what: 'dead letters not counted', measured: { deadLetters: null }, red: ['dead-letters'] },
  { what: 'never verified', measured: { lastVerification: null }, red: ['verified', 'drift'] },
  { what: 'verified too long ago', measured: verified({ ageMs: 1_001 }), red: ['verified'] },
  { what: 'a verification of nothing', measured: verified({ rowsCompared: 0 }), red: ['verified', 'drift'] },
  {
    what: 'a verification of nothing, which the plan allows',
    measured: { ...verified({ rowsCompared: 0 }), allowEmpty: true },
    red: [],
  },
  {
    what: 'drift of a unit that may be empty',
    measured: { ...verified({ rowsCompared: 0, passed: false, differences: 1 }), allowEmpty: true },
    red: ['verified', 'drift'],
  },
  { what: 'drift', measured: verified({ passed: false, differences: 1 }), red: ['verified', 'drift'] },
  {
    what: 'drift that the level tolerates',
    measured: { ...verified({ rowsCompared: 1_000_000, differences: 3 }), driftLimitPpm: 3 },
    red: [],
  },
  {
    what: 'drift just over the level',
    measured: { ...verified({ rowsCompared: 1_000_000, differences: 4 }), driftLimitPpm: 3 },
    red: ['drift'],
  },
  { what: 'no facade alive', measured: { aliveFacades: 0 }, red: ['instances-alive'] },
  { what: 'facades not counted', measured: { aliveFacades: null }, red: ['instances-alive'] },
];

describe('judgeGuards', () => {
  it.each(cases)('on the way up: $what', ({ measured, red }) => {
    const guards = judgeGuards(UP, { ...green, ...measured });
    expect(guards.map(({ name }) => name)).toEqual([...GUARDS]);
    expect(guards.filter(({ passed }) => !passed).map(({ name }) => name)).toEqual(red);
    expect(guards.every(({ value, limit }) => value !== '' && limit !== '')).toBe(true);
  });

  it('going down to legacy needs nothing but the phase', () => {
    const worst: Measurements = {
      ...green,
      lagMs: null,
      snapshotComplete: false,
      deadLetters: 9,
      lastVerification: null,
      aliveFacades: 0,
    };
    expect(judgeGuards(DOWN, worst).every(({ passed }) => passed)).toBe(true);
  });

  it('refuses a phase that is not built, in either direction', () => {
    for (const direction of ['up', 'down'] as const) {
      const [first] = judgeGuards({ from: 'offload', to: 'y-loading', direction }, green);
      expect(first).toEqual({
        name: 'phase-built',
        passed: false,
        value: 'y-loading',
        limit: 'legacy, offload',
      });
    }
  });

  it('shows value and limit with their units', () => {
    const guards = judgeGuards(UP, { ...green, lagMs: 7 });
    expect(guards.find(({ name }) => name === 'lag')).toEqual({
      name: 'lag',
      passed: true,
      value: '7 ms',
      limit: '5000 ms',
    });
  });
});

describe('findStep', () => {
  it('takes one step at a time', () => {
    expect(findStep('RW', 'legacy', 'offload')).toEqual(UP);
    expect(findStep('RW', 'offload', 'legacy')).toEqual(DOWN);
    expect(findStep('RW', 'legacy', 'legacy')).toBe('already-there');
    expect(findStep('RW', 'legacy', 'primary')).toBe('no-such-step');
    expect(findStep('RW', 'retired', 'backup')).toBe('no-such-step');
    expect(findStep('W', 'legacy', 'offload')).toBe('no-such-step');
  });
});
