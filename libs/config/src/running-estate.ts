import { existsSync, readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/**
 * The settings of an estate that runs on this machine: `./ficus demo` leaves them in a file, so that another shell
 * reaches it without further ado. What the environment says wins.
 */
export function withRunningEstate(file: string, source: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  if (source.FICUS_MONGO_URL !== undefined || !existsSync(file)) return source;
  return { ...parseEnv(readFileSync(file, 'utf8')), ...source };
}
