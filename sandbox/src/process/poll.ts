import { setTimeout as sleep } from 'node:timers/promises';
import { formatElapsed } from '../progress.ts';

/**
 * Asks again and again until the probe answers without throwing, and resolves with its answer. Rejects with the last
 * refusal after `timeoutMs`, or at once with the reason that `gaveUp` returns (say, that the process has ended).
 */
export async function waitFor<T>(
  what: string,
  probe: () => Promise<T>,
  options: { timeoutMs: number; everyMs?: number; gaveUp?: () => string | undefined },
): Promise<T> {
  const begun = performance.now();
  for (;;) {
    const reason = options.gaveUp?.();
    if (reason !== undefined) throw new Error(`${what}: ${reason}`);
    try {
      return await probe();
    } catch (cause) {
      const waited = performance.now() - begun;
      if (waited > options.timeoutMs)
        throw new Error(`${what}: not ready after ${formatElapsed(waited)}: ${String(cause)}`, { cause });
    }
    await sleep(options.everyMs ?? 50);
  }
}
