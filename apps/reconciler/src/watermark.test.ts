import { describe, expect, it } from 'vitest';
import type { UnitStore } from '#core/ports/control';
import type { LegacyStore } from '#core/ports/legacy-store';
import type { Unit } from '#core/unit-state';
import { HandClock } from '#testing/hand-clock';
import { aPlan } from '#testing/plans';
import { PositionWatermark } from './watermark.ts';

interface Case {
  readonly name: string;
  /** Polls until the connector and the applier are past the position; null: never. */
  readonly capturedAfter: number | null;
  readonly appliedAfter: number | null;
  readonly passed: boolean;
}

const CASES: readonly Case[] = [
  { name: 'nothing is behind', capturedAfter: 0, appliedAfter: 0, passed: true },
  { name: 'both come later', capturedAfter: 3, appliedAfter: 4, passed: true },
  { name: 'the connector stands', capturedAfter: null, appliedAfter: 0, passed: false },
  { name: 'the applier stands', capturedAfter: 0, appliedAfter: null, passed: false },
];

describe('PositionWatermark', () => {
  it.each(CASES)('$name', async ({ capturedAfter, appliedAfter, passed }) => {
    const asked: string[] = [];
    const countdown = (count: number | null) => {
      let left = count ?? Number.POSITIVE_INFINITY;
      return () => left-- <= 0;
    };
    const captured = countdown(capturedAfter);
    const applied = countdown(appliedAfter);
    const legacy = {
      mark: async () => {
        asked.push('mark');
        return 7n;
      },
      captured: async (position: unknown) => {
        expect(position).toBe(7n);
        asked.push('captured');
        return captured();
      },
    } as Partial<LegacyStore> as LegacyStore;
    const units = { read: async () => ({ plan: aPlan() }) as Unit } as Partial<UnitStore> as UnitStore;
    const progress = {
      endOffsets: async (topics: readonly string[]) => {
        expect(topics).toEqual(['shop.public.order']);
        asked.push('ends');
        return new Map([['shop.public.order', new Map([[0, 5n]])]]);
      },
      committed: async (group: string) => {
        expect(group).toBe('ficus-forward-orders');
        asked.push('committed');
        return new Map([['shop.public.order', new Map([[0, applied() ? 5n : 4n]])]]);
      },
    };
    const sut = new PositionWatermark({
      units,
      legacyOf: () => legacy,
      progress,
      clock: new HandClock(),
      signal: new AbortController().signal,
    });
    expect(await sut.passed('orders', 5_000)).toBe(passed);
    const order = asked.filter((name, index) => asked[index - 1] !== name);
    const whole = ['mark', 'captured', 'ends', 'committed'];
    expect(order).toEqual(capturedAfter === null ? whole.slice(0, 2) : whole);
  });
});
