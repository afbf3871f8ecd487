import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { appendFile, chown, rename, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Servers } from '../sandbox/src/server/servers.ts';

/** An older copy of PostgreSQL in the place of the newer one, as after a disaster. */

const dataOf = ({ dataDir }: Servers): string => join(dataDir, 'postgres', 'data');

/** False: it runs in a container, and its files are out of reach. */
export function hasFiles(servers: Servers): boolean {
  return existsSync(dataOf(servers));
}

/** Copies the files as they are when the machine dies. */
export async function backUp(servers: Servers): Promise<void> {
  const postgres = servers.get('postgres');
  const data = dataOf(servers);
  await postgres.kill();
  await promisify(execFile)('cp', ['-a', data, `${data}.backup`]);
  await postgres.restart();
}

/** Brings that copy back, as a recovery from an archive does: at its end begins another timeline. */
export async function restore(servers: Servers): Promise<void> {
  const postgres = servers.get('postgres');
  const data = dataOf(servers);
  await postgres.kill();
  await rename(data, `${data}.gone`);
  await rename(`${data}.backup`, data);
  await appendFile(join(data, 'postgresql.auto.conf'), `restore_command = 'false'\n`);
  const signal = join(data, 'recovery.signal');
  await writeFile(signal, '');
  const { uid, gid } = await stat(join(data, 'PG_VERSION'));
  await chown(signal, uid, gid);
  await postgres.restart();
}
