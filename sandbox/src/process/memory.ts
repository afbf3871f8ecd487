import { readdir, readFile } from 'node:fs/promises';

/**
 * Memory of process groups, in bytes by the group's leader: the proportional share of each of its processes, so that
 * pages which several share (PostgreSQL's buffers) count once. Source: proc(5), `stat` and `smaps_rollup`.
 */
export async function groupMemory(leaders: readonly number[]): Promise<ReadonlyMap<number, number>> {
  const sums = new Map(leaders.map((leader) => [leader, 0]));
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  await Promise.all(
    pids.map(async (pid) => {
      // A process may end at any moment: then it uses nothing.
      const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
      const leader = groupOf(stat);
      const sum = sums.get(leader);
      if (sum === undefined) return;
      const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
      sums.set(leader, (sums.get(leader) ?? 0) + shareOf(rollup));
    }),
  );
  return sums;
}

/** The name in the second member may hold blanks and parentheses, so it is counted from its end. */
export function groupOf(stat: string): number {
  const [, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(group);
}

export function shareOf(rollup: string): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(rollup)?.[1] ?? 0) * 1_024;
}
