import type { Clock } from '#core/ports/clock';

/** Calls again and again, `everyMs` after each end, until the signal is aborted. `call` handles its own failures. */
export async function repeat(
  call: () => Promise<void>,
  everyMs: number,
  given: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<void> {
  while (!given.signal.aborted) {
    await call();
    await given.clock.sleep(everyMs, given.signal);
  }
}
