import { readFile } from 'node:fs/promises';

/** Of `getconf CLK_TCK`, which is 100 on every Linux. */
const TICKS_A_SECOND = 100;

/** CPU that a process has used so far, user and system, in milliseconds; NaN when it is none of this machine. */
export async function cpuMs(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return cpuOf(stat);
}

/** Members 14 and 15 of proc(5) `stat`, counted from the end of the name, which may hold blanks. */
export function cpuOf(stat: string): number {
  const members = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return ((Number(members[11]) + Number(members[12])) * 1_000) / TICKS_A_SECOND;
}

/** The most memory that a process has had resident, in bytes. */
export async function peakBytes(pid: number | undefined): Promise<number> {
  if (pid === undefined) return Number.NaN;
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) * 1_024;
}
