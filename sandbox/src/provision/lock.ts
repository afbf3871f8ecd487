import { open, readFile, rm } from 'node:fs/promises';
import { waitFor } from '../process/poll.ts';
import { isAlive } from './landing.ts';

/** Longer than the longest work that is done under a lock, a compilation. */
const TIMEOUT_MS = 5 * 60_000;

/** Runs `work` while no other process runs anything under the same lock file. A holder that died is passed over. */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await waitFor(`lock ${path}`, () => take(path), { timeoutMs: TIMEOUT_MS, everyMs: 200 });
  try {
    return await work();
  } finally {
    await rm(path, { force: true });
  }
}

async function take(path: string): Promise<void> {
  try {
    const file = await open(path, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
  } catch (cause) {
    const holder = await readFile(path, 'utf8').catch(() => '');
    if (holder !== '' && !isAlive(Number(holder))) await rm(path, { force: true });
    throw new Error(`held by process ${holder}`, { cause });
  }
}
