import type { Mode } from './plan.ts';

/** The ladder (DESIGN.md section 4), one closed list. */
export const PHASES = ['legacy', 'offload', 'y-loading', 'primary', 'backup', 'retired'] as const;
export type Phase = (typeof PHASES)[number];

export type Authority = 'legacy' | 'mongodb';

/** The rungs that a unit of this mode can stand on, from the bottom. */
export function ladder(mode: Mode): readonly Phase[] {
  switch (mode) {
    case 'R':
      return ['legacy', 'offload', 'backup', 'retired'];
    case 'RW':
      return PHASES;
    case 'W':
      return ['legacy', 'y-loading', 'primary', 'backup', 'retired'];
  }
}

/** Rungs whose protocol is built. A transition to any other one is refused with that reason. */
export const BUILT_PHASES: readonly Phase[] = ['legacy', 'offload'];

export function authorityOf(phase: Phase): Authority {
  switch (phase) {
    case 'legacy':
    case 'offload':
    case 'y-loading':
      return 'legacy';
    case 'primary':
    case 'backup':
    case 'retired':
      return 'mongodb';
  }
}

export interface Step {
  readonly from: Phase;
  readonly to: Phase;
  readonly direction: 'up' | 'down';
}

/** The steps that lead away from a phase. `retired` is the end; every other step up has a step down. */
export function stepsFrom(mode: Mode, phase: Phase): readonly Step[] {
  const rungs = ladder(mode);
  const at = rungs.indexOf(phase);
  if (at < 0 || phase === 'retired') return [];
  const up = rungs[at + 1];
  const down = rungs[at - 1];
  return [
    ...(up === undefined ? [] : [{ from: phase, to: up, direction: 'up' } as const]),
    ...(down === undefined ? [] : [{ from: phase, to: down, direction: 'down' } as const]),
  ];
}
