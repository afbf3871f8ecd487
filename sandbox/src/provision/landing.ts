import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { formatShare, type Step } from '../progress.ts';

const STAGING = '.staging';
const WATCH_EVERY_MS = 1_000;

/**
 * Fills `folder` once. `fill` works in a staging folder beside it, which is renamed at the end, so that a folder that
 * exists is complete, and of two runs that land the same thing at the same time one simply comes second.
 * Returns false when the folder was there already.
 */
export async function land(folder: string, fill: (staging: string) => Promise<void>): Promise<boolean> {
  if (await exists(folder)) return false;
  const parent = join(folder, '..', STAGING);
  await mkdir(parent, { recursive: true });
  await sweepStaging(parent);
  const staging = await mkdtemp(join(parent, `${process.pid}-${basename(folder)}-`));
  try {
    await fill(staging);
    // mkdtemp makes a folder for its owner alone; other users (PostgreSQL's) must be able to read what landed.
    await chmod(staging, 0o755);
    await rename(staging, folder);
  } catch (error) {
    if (!(await exists(folder))) throw error;
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return true;
}

/** What runs that were killed left behind: a staging folder is named after the process that fills it. */
async function sweepStaging(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const pid = Number.parseInt(name, 10);
    if (!isAlive(pid)) await rm(join(parent, name), { recursive: true, force: true });
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** Shows how a folder grows towards a size known before, while `work` goes on. */
export async function watchGrowth<T>(
  folder: string,
  total: number,
  step: Step,
  work: Promise<T>,
): Promise<T> {
  const timer = setInterval(() => {
    void folderBytes(folder).then((bytes) => step.update(formatShare(bytes, total)));
  }, WATCH_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** Bytes in all files below; a file that goes away meanwhile counts nothing. */
async function folderBytes(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      stat(join(entry.parentPath, entry.name)).then(
        ({ size }) => size,
        () => 0,
      ),
    );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}
