import type { Rig } from '../rig.ts';
import { cpuMs } from './usage.ts';

/**
 * Measures what MongoDB's server uses from when the work begins to its end. The server has written down before what
 * earlier runs left to it, so that no run pays for another.
 */
export async function watched<T>(
  rig: Rig,
  work: (begin: () => Promise<void>) => Promise<T>,
): Promise<{ readonly outcome: T; readonly mongodMs: number }> {
  const { pid } = rig.servers.get('mongo');
  await rig.documents.client.db('admin').command({ fsync: 1 });
  let before = Number.NaN;
  const outcome = await work(async () => {
    before = await cpuMs(pid);
  });
  return { outcome, mongodMs: (await cpuMs(pid)) - before };
}
