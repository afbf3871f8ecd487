import type { FromChild, Measured } from './measured.ts';

/** A piece of work that has everything ready, and is measured from here on. */
export type Work = () => Promise<Readonly<Record<string, number>> | undefined>;

/**
 * Runs one measured piece of work in this process, which was started for it: prepares it, waits until it may begin,
 * and tells what it cost. The process ends with the one that started it.
 */
export async function measure(prepare: (given: unknown) => Promise<Work>): Promise<void> {
  process.on('disconnect', () => process.exit());
  const work = await prepare(JSON.parse(process.argv[2] ?? 'null'));
  // What was prepared is not cleared away at the work's expense.
  globalThis.gc?.();
  const begun = new Promise<void>((resolve) => process.once('message', () => resolve()));
  say({ kind: 'ready' });
  await begun;
  const before = process.cpuUsage();
  const from = performance.now();
  const notes = await work();
  const ms = performance.now() - from;
  const { user, system } = process.cpuUsage(before);
  const measured: Measured = {
    ms,
    cpuMs: (user + system) / 1_000,
    peakBytes: process.resourceUsage().maxRSS * 1_024,
  };
  say({ kind: 'done', measured, ...(notes === undefined ? {} : { notes }) });
}

function say(message: FromChild): void {
  process.send?.(message);
}
