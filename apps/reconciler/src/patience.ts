import { FicusError } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import { untilItWorks } from '#observability/retry';

export interface Waiting {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly failed: (error: unknown) => void;
}

/**
 * Repeats a call as long as it fails with a retryable error: a scan outlives the outage of what it reads.
 * @throws whatever is not retryable, at once, and the signal's reason when it is aborted.
 */
export async function patiently<T>(call: () => Promise<T>, given: Waiting): Promise<T> {
  const outcome = await untilItWorks(async () => {
    try {
      return { value: await call() };
    } catch (error) {
      if (error instanceof FicusError && error.retryable) throw error;
      return { error };
    }
  }, given);
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}
