import { describe, expect, it } from 'vitest';
import type { Phase } from './phase.ts';
import type { Mode } from './plan.ts';
import { mayContinue, routeRead, routeWrite } from './routing.ts';

const reads: readonly [Phase, number | null, object][] = [
  ['legacy', 0, { store: 'legacy', fallback: false }],
  ['legacy', null, { store: 'legacy', fallback: false }],
  ['offload', 0, { store: 'mongodb', fallback: false }],
  ['offload', 5_000, { store: 'mongodb', fallback: false }],
  ['offload', 5_001, { store: 'legacy', fallback: true, because: 'lag' }],
  ['offload', null, { store: 'legacy', fallback: true, because: 'lag-unknown' }],
  ['y-loading', null, { store: 'mongodb', fallback: false }],
  ['primary', 9_999_999, { store: 'mongodb', fallback: false }],
  ['backup', null, { store: 'mongodb', fallback: false }],
  ['retired', null, { store: 'mongodb', fallback: false }],
];

describe('routeRead', () => {
  it.each(reads)('%s at a lag of %s ms', (phase, lagMs, route) => {
    expect(routeRead(phase, { lagMs, lagLimitMs: 5_000, snapshotComplete: true })).toEqual(route);
  });

  it.each<[Phase, object]>([
    ['legacy', { store: 'legacy', fallback: false }],
    ['offload', { store: 'legacy', fallback: true, because: 'snapshot' }],
    ['primary', { store: 'mongodb', fallback: false }],
  ])('%s while a changed plan has its tables read again', (phase, route) => {
    expect(routeRead(phase, { lagMs: 0, lagLimitMs: 5_000, snapshotComplete: false })).toEqual(route);
  });
});

const writes: readonly [Mode, Phase, object][] = [
  ['R', 'legacy', { kind: 'refused', because: 'read-only' }],
  ['R', 'backup', { kind: 'refused', because: 'read-only' }],
  ['RW', 'legacy', { kind: 'legacy' }],
  ['RW', 'offload', { kind: 'legacy' }],
  ['W', 'legacy', { kind: 'legacy' }],
  ['RW', 'y-loading', { kind: 'refused', because: 'phase-not-built' }],
  ['W', 'primary', { kind: 'refused', because: 'phase-not-built' }],
  ['RW', 'retired', { kind: 'refused', because: 'phase-not-built' }],
];

describe('routeWrite', () => {
  it.each(writes)('mode %s in %s', (mode, phase, route) => expect(routeWrite(mode, phase)).toEqual(route));
});

const continuations: readonly [Phase, boolean, boolean][] = [
  ['legacy', true, false],
  ['offload', true, true],
  ['y-loading', false, true],
  ['primary', false, true],
  ['backup', false, true],
  ['retired', false, true],
];

describe('mayContinue', () => {
  it.each(continuations)('in %s: in legacy %s, in MongoDB %s', (phase, legacy, mongodb) => {
    expect(mayContinue(phase, 'legacy')).toBe(legacy);
    expect(mayContinue(phase, 'mongodb')).toBe(mongodb);
  });
});
