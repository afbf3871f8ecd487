import { describe, expect, it } from 'vitest';
import { Pace } from './pace.ts';

const took = (pace: Pace, records: number, ms: number): void => pace.took({ records, most: pace.most, ms });

describe('Pace', () => {
  it('lets more records go together while they are applied quickly, up to a bound', () => {
    const sut = new Pace();
    const first = sut.most;
    took(sut, first, 300);
    expect(sut.most).toBe(first * 2);
    for (let round = 0; round < 20; round++) took(sut, sut.most, 300);
    const bound = sut.most;
    expect(bound).toBeGreaterThan(first);
    took(sut, bound, 1);
    expect(sut.most).toBe(bound);
  });

  it('does not grow by batches that were far from full', () => {
    const sut = new Pace();
    const first = sut.most;
    took(sut, first / 4, 1);
    expect(sut.most).toBe(first);
  });

  it('stays where a batch takes neither little nor much time', () => {
    const sut = new Pace();
    const first = sut.most;
    took(sut, first, 2_500);
    expect(sut.most).toBe(first);
  });

  it('goes down once by batches that were on their way together', () => {
    const sut = new Pace();
    for (let round = 0; round < 20; round++) took(sut, sut.most, 300);
    const { most } = sut;
    for (let one = 0; one < 4; one++) sut.took({ records: most, most, ms: 10_000 });
    expect(sut.most).toBe(most / 2);
  });

  it('goes down when a batch of any size is slow, and up again, but never to nothing', () => {
    const sut = new Pace();
    const first = sut.most;
    for (let round = 0; round < 20; round++) took(sut, 10, 30_000);
    const least = sut.most;
    expect(least).toBeLessThan(first);
    expect(least).toBeGreaterThan(0);
    took(sut, least, 100);
    expect(sut.most).toBe(least * 2);
  });
});
