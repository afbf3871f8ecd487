import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The checkout that this file belongs to. */
export const REPOSITORY = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The folder of checked-in pins: requirements for pip, a pom for Maven. */
export const SANDBOX = join(REPOSITORY, 'sandbox');

export const NODE_MODULES = join(REPOSITORY, 'node_modules');

/** The Node of the lock file, whatever Node runs npm. */
export const NODE = join(NODE_MODULES, '.bin', 'node');

/** `linux-x64`, as npm and Node spell it. */
export const PLATFORM = `${process.platform}-${process.arch}`;

/** Where downloads are kept between runs: FICUS_CACHE, else `ficus` in the user's own cache folder. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env.FICUS_CACHE || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'ficus');
}
