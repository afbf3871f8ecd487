import { writeFile } from 'node:fs/promises';
import { chooseEngine } from '../engine.ts';
import { type Log, Progress } from '../progress.ts';
import type { Session } from '../session.ts';
import { driverEnv, driverFolder, shellExports } from './addon.ts';
import { JAR_SETS, pinsOf, resolveJars } from './jars.ts';
import { exists } from './landing.ts';
import { formatManifest } from './manifest.ts';
import { COMPONENTS, type ComponentName, provision } from './provision.ts';

/** Where servers come from images, only the stand-in for Db2 and its driver do not. */
const BESIDE_IMAGES: readonly ComponentName[] = ['java', 'jars', 'db2driver', 'ibmdb'];

/** Without what only a run with a schema registry, or only a benchmark, needs. */
const ALWAYS = COMPONENTS.filter((name) => name !== 'avro' && name !== 'sink');

export async function provisionAll({ supervisor }: Session, log: Log): Promise<number> {
  const { engine } = await chooseEngine();
  await provision(engine === 'docker' ? BESIDE_IMAGES : ALWAYS, {
    supervisor,
    progress: new Progress(log),
  });
  return 0;
}

/** Prints nothing while the driver is not there: a command that never loads it needs no such variables. */
export async function printDriverEnv(log: Log): Promise<number> {
  const folder = await driverFolder();
  if (await exists(folder)) log(shellExports(driverEnv(folder)));
  return 0;
}

export async function pinJars({ supervisor }: Session, log: Log): Promise<number> {
  for (const set of JAR_SETS) {
    const jars = await resolveJars(set, { supervisor, progress: new Progress(log) });
    await writeFile(pinsOf(set), formatManifest(jars));
    log(`${set.what}: ${jars.size} files pinned`);
  }
  return 0;
}
