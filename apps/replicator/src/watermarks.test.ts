import { describe, expect, it } from 'vitest';
import type { Offsets } from '#kafka/progress';
import { Watermarks } from './watermarks.ts';

/** Offsets of two partitions of one topic. */
const at = (first: number, second: number): ReadonlyMap<string, Offsets> =>
  new Map([
    [
      't',
      new Map([
        [0, BigInt(first)],
        [1, BigInt(second)],
      ]),
    ],
  ]);

describe('Watermarks', () => {
  it('knows nothing before the first sample is reached', () => {
    const sut = new Watermarks();
    expect(sut.committed(at(5, 5))).toBeNull();
    sut.sampled(100, at(5, 5));
    expect(sut.committed(at(4, 9))).toBeNull();
    expect(sut.committed(new Map())).toBeNull();
  });

  it('is at the newest beat whose ends are passed in every partition', () => {
    const sut = new Watermarks();
    sut.sampled(100, at(5, 5));
    sut.sampled(200, at(7, 5));
    sut.sampled(300, at(7, 8));
    expect(sut.committed(at(6, 9))).toBe(100);
    expect(sut.committed(at(7, 7))).toBe(200);
    expect(sut.committed(at(7, 8))).toBe(300);
  });

  it('stays where it is when a partition falls back, as after a rebalance', () => {
    const sut = new Watermarks();
    sut.sampled(100, at(5, 5));
    expect(sut.committed(at(5, 5))).toBe(100);
    expect(sut.committed(at(1, 1))).toBe(100);
  });

  it('takes a beat once: a source that is silent brings no news', () => {
    const sut = new Watermarks();
    sut.sampled(100, at(5, 5));
    sut.sampled(100, at(9, 9));
    sut.sampled(90, at(9, 9));
    expect(sut.committed(at(5, 5))).toBe(100);
  });

  it('counts an empty log as passed', () => {
    const sut = new Watermarks();
    sut.sampled(100, at(0, 0));
    expect(sut.committed(new Map())).toBe(100);
  });

  it('never says more than is true over a long backlog, and is right again at its end', () => {
    const sut = new Watermarks();
    for (let beat = 1; beat <= 5_000; beat++) sut.sampled(beat, at(beat, beat));
    expect(sut.committed(at(0, 0))).toBeNull();
    const midway = sut.committed(at(2_500, 2_500));
    expect(midway).toBeGreaterThan(2_000);
    expect(midway).toBeLessThanOrEqual(2_500);
    sut.sampled(5_001, at(5_001, 5_001));
    expect(sut.committed(at(5_001, 5_001))).toBe(5_001);
  });
});
