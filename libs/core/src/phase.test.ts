import { describe, expect, it } from 'vitest';
import { authorityOf, BUILT_PHASES, ladder, PHASES, type Phase, stepsFrom } from './phase.ts';
import { MODES, type Mode } from './plan.ts';

/** DESIGN.md section 4: `from to` of every step that there is, by mode. */
const up: Readonly<Record<Mode, readonly string[]>> = {
  R: ['legacy offload', 'offload backup', 'backup retired'],
  RW: ['legacy offload', 'offload y-loading', 'y-loading primary', 'primary backup', 'backup retired'],
  W: ['legacy y-loading', 'y-loading primary', 'primary backup', 'backup retired'],
};

describe.each(MODES)('the ladder of mode %s', (mode) => {
  const steps = PHASES.flatMap((phase) => stepsFrom(mode, phase));
  const named = (direction: string): string[] =>
    steps.filter((step) => step.direction === direction).map(({ from, to }) => `${from} ${to}`);

  it('goes up by these steps', () => expect(named('up')).toEqual(up[mode]));

  it('goes down by the same steps, but never from retired', () => {
    const back = up[mode]
      .filter((step) => !step.endsWith('retired'))
      .map((step) => step.split(' ').reverse().join(' '));
    expect(named('down')).toEqual(back);
  });

  it('gives the authority away once, on the way up', () => {
    const authorities = ladder(mode).map(authorityOf);
    expect(authorities).toEqual([...authorities].sort());
    expect(new Set(authorities)).toEqual(new Set(['legacy', 'mongodb']));
  });

  it('has no steps from a rung that it does not have', () => {
    for (const phase of PHASES.filter((one) => !ladder(mode).includes(one)))
      expect(stepsFrom(mode, phase)).toEqual([]);
  });
});

describe('authorityOf', () => {
  it.each<[Phase, string]>([
    ['legacy', 'legacy'],
    ['offload', 'legacy'],
    ['y-loading', 'legacy'],
    ['primary', 'mongodb'],
    ['backup', 'mongodb'],
    ['retired', 'mongodb'],
  ])('%s: %s', (phase, authority) => expect(authorityOf(phase)).toBe(authority));
});

it('no built phase takes the authority away from legacy', () => {
  expect(BUILT_PHASES.map(authorityOf).every((authority) => authority === 'legacy')).toBe(true);
});
