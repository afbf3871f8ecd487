import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HandClock } from '#testing/hand-clock';
import { Pace } from './pace.ts';

const never = new AbortController().signal;

describe('Pace', () => {
  it('never lets more rows through than the rate allows, whatever the chunks', async () => {
    const chunk = fc.record({ rows: fc.nat(5_000), busyMs: fc.nat(3_000) });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 10_000 }), fc.array(chunk), async (rate, chunks) => {
        const clock = new HandClock();
        const began = clock.now();
        const pace = new Pace(clock, rate);
        let rows = 0;
        for (const one of chunks) {
          clock.turn(one.busyMs);
          await pace.spend(one.rows, never);
          rows += one.rows;
          expect((rows * 1_000) / rate).toBeLessThanOrEqual(clock.now() - began + 0.001);
        }
      }),
    );
  });

  it('does not wait without a limit', async () => {
    const clock = new HandClock();
    const began = clock.now();
    await new Pace(clock, null).spend(1_000_000, never);
    expect(clock.now()).toBe(began);
  });
});
