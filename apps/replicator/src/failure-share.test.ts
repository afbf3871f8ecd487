import { describe, expect, it } from 'vitest';
import { FailureShare } from './failure-share.ts';
import type { Failure } from './tally.ts';

function failures(count: number): readonly Failure[] {
  const record = { topic: 't', partition: 0, offset: 1n, key: null, value: null };
  const failure: Failure = { record, row: null, epoch: 1, code: 'value_invalid', reason: 'bad' };
  return Array.from({ length: count }, () => failure);
}

describe('FailureShare', () => {
  it('lets pass what the share of a thousand records allows, and stops at one more', () => {
    const sut = new FailureShare();
    sut.mind(10, failures(10), 0.01);
    expect(() => sut.mind(1, failures(1), 0.01)).toThrow(
      expect.objectContaining({ code: 'too_many_failures', retryable: true }),
    );
  });

  it('does not count a batch that it stopped, which comes again', () => {
    const sut = new FailureShare();
    for (let round = 0; round < 3; round++) expect(() => sut.mind(20, failures(11), 0.01)).toThrow(/^11 of/);
    sut.mind(20, failures(11), 0.02);
  });

  it('forgets what lies more than a thousand records back', () => {
    const sut = new FailureShare();
    sut.mind(10, failures(10), 0.01);
    sut.mind(989, [], 0.01);
    expect(() => sut.mind(1, failures(1), 0.01)).toThrow();
    sut.mind(11, [], 0.01);
    sut.mind(10, failures(10), 0.01);
  });

  it('takes the share of a larger batch of that batch', () => {
    const sut = new FailureShare();
    sut.mind(4_000, failures(40), 0.01);
    expect(() => new FailureShare().mind(4_000, failures(41), 0.01)).toThrow();
  });

  it('stops at the first with a share of nothing, and never with one of all', () => {
    expect(() => new FailureShare().mind(1, failures(1), 0)).toThrow(/allows 0/);
    new FailureShare().mind(0, [], 0);
    const sut = new FailureShare();
    for (let round = 0; round < 3; round++) sut.mind(1_000, failures(1_000), 1);
  });
});
