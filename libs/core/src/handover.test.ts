import { describe, expect, it } from 'vitest';
import {
  drained,
  HANDOVER_STAGES,
  type Handover,
  type HandoverUnit,
  handoverStep,
  isAdmitted,
  returned,
  stageAfter,
  switched,
} from './handover.ts';

const unit: HandoverUnit = { phase: 'y-loading', epoch: 3, term: 5, draining: null, transition: 'flip-1' };
const flip: Handover = {
  ...{ id: 'flip-2', from: 'y-loading', to: 'primary', stage: 'drain', term: null, position: null },
  ...{ firsts: null, until: 1_000, state: 'running' },
};
const held = drained(unit, flip);
const fenced: Handover = { ...flip, stage: 'apply', term: held.term };

describe('a unit', () => {
  it('is drained in a term that nobody has written in', () => {
    expect(held).toEqual({ ...unit, term: 6, draining: 'flip-2' });
  });
  it('is switched in the same term, in a new epoch where the authority moves', () => {
    const after = { phase: 'primary', epoch: 4, term: 6, draining: null, transition: 'flip-2' };
    expect(switched(held, fenced)).toEqual(after);
    expect(switched(held, { ...fenced, from: 'primary', to: 'backup' })).toMatchObject({ epoch: 3 });
  });
  it('is given back in a term that nobody has had, so that who waited for the flip does not write', () => {
    expect(returned(held)).toEqual({ ...unit, term: 7 });
  });
});

describe('handoverStep', () => {
  it('carries out the stage that is written down', () => {
    expect(handoverStep(flip, unit, 10)).toEqual({ kind: 'carry-out', stage: 'drain' });
    expect(handoverStep(fenced, held, 10)).toEqual({ kind: 'carry-out', stage: 'apply' });
  });
  it('drains once, when that was done and not written down', () => {
    expect(handoverStep(flip, held, 10)).toEqual({ kind: 'carry-out', stage: 'drain' });
  });
  it('gives up what takes too long', () => {
    expect(handoverStep(fenced, held, 1_001)).toEqual({ kind: 'cancel' });
  });
  it('gives up what somebody else has ended', () => {
    expect(handoverStep(fenced, returned(held), 10)).toEqual({ kind: 'cancel' });
    expect(handoverStep({ ...fenced, state: 'cancelling' }, held, 10)).toEqual({ kind: 'cancel' });
  });
  it('never gives up once the authority has moved', () => {
    const after = switched(held, fenced);
    for (const stage of ['switch', 'release'] as const)
      expect(handoverStep({ ...fenced, stage }, after, 9_999)).toEqual({ kind: 'carry-out', stage });
    expect(handoverStep({ ...fenced, state: 'cancelling' }, after, 10)).toMatchObject({ kind: 'carry-out' });
  });
  it('has nothing to do with what is over', () => {
    for (const state of ['done', 'cancelled'] as const)
      expect(handoverStep({ ...fenced, state }, held, 10)).toEqual({ kind: 'end', state });
  });
});

describe('the stages', () => {
  it('follow one another to the end', () => {
    const names = HANDOVER_STAGES.map(({ name }) => name);
    expect([...names.slice(1), null]).toEqual(names.map(stageAfter));
  });
});

describe('isAdmitted', () => {
  it.each([
    [6, 'legacy', true],
    [5, 'legacy', false],
    [7, 'legacy', false],
    [6, 'mongodb', false],
  ] as const)('of term %i where %s is the authority: %s', (term, authority, expected) => {
    expect(isAdmitted({ term, authority }, 6, 'legacy')).toBe(expected);
  });
});
