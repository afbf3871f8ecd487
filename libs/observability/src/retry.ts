import type { Clock } from '#core/ports/clock';

export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const BACKOFF: Backoff = { firstMs: 100, maxMs: 5_000 };

/**
 * Calls until it succeeds or the signal is aborted, doubling the pause. `failed` hears of every failure, so that
 * readiness can name what is down. @throws the signal's reason when it is aborted.
 */
export async function untilItWorks<T>(
  call: () => Promise<T>,
  given: { clock: Clock; signal: AbortSignal; failed: (error: unknown) => void; backoff?: Backoff },
): Promise<T> {
  const { firstMs, maxMs } = given.backoff ?? BACKOFF;
  for (let pause = firstMs; ; pause = Math.min(pause * 2, maxMs)) {
    given.signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      given.failed(error);
    }
    await given.clock.sleep(pause, given.signal);
  }
}
