import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { FicusError } from '#core/errors';

/** `estate-4711.env`: the settings of the estate that process 4711 runs. */
const FILE = /^estate-(\d+)\.env$/;

/** Where the process of that id leaves the settings of the estate that it runs. */
export function estateFile(folder: string, pid: number): string {
  return join(folder, `estate-${pid}.env`);
}

/**
 * The environment with the settings of an estate that runs on this machine: `./ficus demo` leaves them in a file, so
 * that another shell reaches it without further ado. What the environment says wins.
 * @param folder where the files of estates are.
 * @throws FicusError `setting_invalid` when FICUS_ESTATE names no such file, or names none while several run.
 */
export function withRunningEstate(
  folder: string,
  source: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  if (source.FICUS_MONGO_URL !== undefined) return source;
  const file = source.FICUS_ESTATE ?? onlyOne(livingEstates(folder));
  if (file === null) return source;
  if (!existsSync(file)) {
    throw new FicusError(
      'setting_invalid',
      `FICUS_ESTATE is "${file}", which does not exist: legal is the path of an estate's settings`,
    );
  }
  return { ...parseEnv(readFileSync(file, 'utf8')), ...source };
}

function onlyOne(files: readonly string[]): string | null {
  if (files.length > 1) {
    throw new FicusError(
      'setting_invalid',
      `${files.length} estates run here: set FICUS_ESTATE to one of ${files.join(', ')}`,
    );
  }
  return files[0] ?? null;
}

function livingEstates(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    const pid = Number(FILE.exec(name)?.[1] ?? 0);
    return pid > 0 && isAlive(pid) ? [join(folder, name)] : [];
  });
}

/** Signal 0 only asks; a process of somebody else's lives too. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
