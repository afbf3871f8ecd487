/**
 * Survives its parent only to clean up after it. The parent holds the other end of standard input and writes one
 * JSON command a line; the end of that stream, for whatever reason the parent ended, starts the cleaning: each
 * process group still listed gets its own stop signal, then SIGKILL, the listed commands are run and the listed folders
 * removed. A parent that has cleaned up itself says so and leaves nothing to do.
 */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

/** What a parent may say. `pid` leads a process group of its own. */
export type ReaperCommand =
  | { do: 'watch'; pid: number; signal: NodeJS.Signals }
  | { do: 'forget'; pid: number }
  | { do: 'remove'; path: string }
  | { do: 'run'; command: string; args: readonly string[] }
  | { do: 'nothing' };

const GRACE_MS = 5_000;
const POLL_MS = 50;
const COMMAND_MS = 60_000;

if (import.meta.main) {
  await reap();
  // Not the parent's end: standard input may still be open.
  process.exit();
}

async function reap(): Promise<void> {
  // Whoever stops the parent often signals its whole session; the reaper must outlive that.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const) process.on(signal, () => {});
  const groups = new Map<number, NodeJS.Signals>();
  const folders: string[] = [];
  const commands: { command: string; args: readonly string[] }[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    const command: ReaperCommand = JSON.parse(line);
    if (command.do === 'watch') groups.set(command.pid, command.signal);
    else if (command.do === 'forget') groups.delete(command.pid);
    else if (command.do === 'remove') folders.push(command.path);
    else if (command.do === 'run') commands.push(command);
    else return;
  }
  for (const [pid, signal] of groups) signalGroup(pid, signal);
  const deadline = Date.now() + GRACE_MS;
  while (Date.now() < deadline && [...groups.keys()].some((pid) => signalGroup(pid, 0))) await sleep(POLL_MS);
  for (const pid of groups.keys()) signalGroup(pid, 'SIGKILL');
  for (const { command, args } of commands)
    spawnSync(command, args, { stdio: 'ignore', timeout: COMMAND_MS });
  for (const path of folders) rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

/** False when the group has no process left. Signal 0 only asks. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
