import { copyFile, mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { cacheFolder, NODE_MODULES, PLATFORM, REPOSITORY } from '../paths.ts';
import { run } from '../process/run.ts';
import { ticking } from '../progress.ts';
import { REPAIRED, repairSource } from './addon-repairs.ts';
import { exists, land } from './landing.ts';
import { withLock } from './lock.ts';
import { wheelFolder } from './wheel.ts';
import type { Workshop } from './workshop.ts';

const PACKAGE = join(NODE_MODULES, 'ibm_db');
const BUILT = join(PACKAGE, 'build', 'Release', 'odbc_bindings.node');
const Package = z.object({ version: z.string() });

/** Where the driver's wheel lands, whether or not it is there. */
export function driverFolder(): Promise<string> {
  return wheelFolder('db2driver');
}

/** What a process that loads ibm_db needs in its environment, before it starts. */
export function driverEnv(driver: string): Record<'IBM_DB_HOME' | 'LD_LIBRARY_PATH', string> {
  const home = join(driver, 'clidriver');
  return {
    IBM_DB_HOME: home,
    LD_LIBRARY_PATH: [join(home, 'lib'), join(home, 'lib', 'icc'), join(driver, 'ibm_db.libs')].join(':'),
  };
}

/**
 * Puts ibm_db's native add-on into node_modules: from the cache when this version was compiled before for this Node,
 * else its source is repaired (addon-repairs.ts) and compiled against IBM's driver from the wheel and the headers that
 * come with Node's npm package, so that nothing is downloaded.
 */
export async function landAddon(driver: string, workshop: Workshop): Promise<string> {
  const { version } = Package.parse(JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')));
  const name = `ibm_db-${version}-${REPAIRED}-node${process.versions.modules}-${PLATFORM}`;
  const folder = join(cacheFolder(), name);
  const cached = join(folder, 'odbc_bindings.node');
  const step = workshop.progress.step('ibm_db');
  await withLock(join(NODE_MODULES, '.ficus-addon.lock'), async () => {
    await land(folder, async (staging) => {
      await ticking(step, 'compiling the Db2 driver', compile(driver, workshop));
      await copyFile(BUILT, join(staging, 'odbc_bindings.node'));
      step.done('Db2 driver compiled');
    });
    if (await sameBytes(cached, BUILT)) return;
    await mkdir(dirname(BUILT), { recursive: true });
    await copyFile(cached, BUILT);
  });
  return folder;
}

async function compile(driver: string, workshop: Workshop): Promise<void> {
  await repairSource(join(PACKAGE, 'src'));
  await run(workshop.supervisor, {
    name: 'npm rebuild ibm_db',
    command: 'npm',
    args: ['rebuild', 'ibm_db', '--ignore-scripts=false', '--foreground-scripts'],
    cwd: REPOSITORY,
    env: { ...driverEnv(driver), npm_config_nodedir: join(NODE_MODULES, `node-${PLATFORM}`) },
  });
  if (!(await exists(BUILT)))
    throw new Error(
      `npm rebuild ibm_db left no ${BUILT}, only: ${(await listing(dirname(BUILT))).join(', ')}`,
    );
}

async function sameBytes(a: string, b: string): Promise<boolean> {
  const bytes = (path: string): Promise<Buffer | null> => readFile(path).catch(() => null);
  const [one, other] = await Promise.all([bytes(a), bytes(b)]);
  return one !== null && other !== null && one.equals(other);
}

async function listing(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

/** Lines for a shell to evaluate. */
export function shellExports(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", "'\\''")}'\n`)
    .join('');
}
