import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, SANDBOX } from '../paths.ts';
import { run } from '../process/run.ts';
import { land, watchGrowth } from './landing.ts';
import { compareManifests, hashFolder, type Manifest, parseManifest } from './manifest.ts';
import type { Workshop } from './workshop.ts';

/** Jars that are fetched together, and which archives among them are unpacked. */
export interface JarSet {
  readonly name: 'jars' | 'avro' | 'sink';
  readonly what: string;
  /** Folder of the poms and of their SHA256SUMS. */
  readonly poms: string;
  /** The folder whose files are archives to be unpacked; null: there are none. */
  readonly archives: string | null;
  /** Maven's own plug-ins and metadata included; only for the progress. */
  readonly bytes: number;
}

/** Land in `kafka/`, `derby/` and `debezium/`. */
export const JARS: JarSet = {
  name: 'jars',
  what: 'Kafka, Debezium and Derby',
  poms: join(SANDBOX, 'maven'),
  archives: 'debezium',
  bytes: 150e6,
};

/** Land in `registry/` and `plugins/`. */
export const AVRO_JARS: JarSet = {
  name: 'avro',
  what: 'schema registry and Avro converter',
  poms: join(SANDBOX, 'maven-avro'),
  archives: 'registry',
  bytes: 260e6,
};

/** Lands in `plugins/`: what the benchmarks measure Ficus against. */
export const SINK_JARS: JarSet = {
  name: 'sink',
  what: "MongoDB's sink connector",
  poms: join(SANDBOX, 'maven-sink'),
  archives: null,
  bytes: 20e6,
};

export const JAR_SETS: readonly JarSet[] = [JARS, AVRO_JARS, SINK_JARS];

export function pinsOf({ poms }: JarSet): string {
  return join(poms, 'SHA256SUMS');
}

/** Fetches all jars of a set by its poms into one folder, checks each against its pin. */
export async function landJars(set: JarSet, workshop: Workshop): Promise<string> {
  const pins = await readFile(pinsOf(set), 'utf8');
  const pinned = parseManifest(pins, pinsOf(set));
  const key = createHash('sha256').update(pins).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `${set.name}-${key}`);
  const step = workshop.progress.step(set.name);
  await land(folder, async (staging) => {
    const fetched = join(staging, 'fetched');
    await watchGrowth(staging, set.bytes, step, fetchJars(set, workshop, staging, fetched));
    const faults = compareManifests(pinned, await hashFolder(fetched));
    if (faults.length > 0) throw new Error(`${set.name}: ${faults.join('; ')}`);
    if (set.archives !== null) await unpack(workshop, join(fetched, set.archives));
    for (const name of await readdir(fetched)) await rename(join(fetched, name), join(staging, name));
    await rm(fetched, { recursive: true });
    step.done(`${set.what} fetched (${pinned.size} files checked)`);
  });
  return folder;
}

/** A local repository of its own: Maven's usual one is not safe for two runs at once. */
async function fetchJars(set: JarSet, workshop: Workshop, staging: string, out: string): Promise<void> {
  const repository = join(staging, 'repository');
  await run(workshop.supervisor, {
    name: `mvn (${set.what})`,
    command: 'mvn',
    args: [
      ...[
        '--batch-mode',
        '--no-transfer-progress',
        '--quiet',
        '--threads',
        '2',
        '--file',
        join(set.poms, 'pom.xml'),
      ],
      ...[`-Dmaven.repo.local=${repository}`, `-Dficus.out=${out}`, 'generate-resources'],
    ],
  });
  await rm(repository, { recursive: true });
}

async function unpack(workshop: Workshop, folder: string): Promise<void> {
  for (const archive of await readdir(folder)) {
    const path = join(folder, archive);
    await run(workshop.supervisor, { name: 'tar', command: 'tar', args: ['-xzf', path, '-C', folder] });
    await rm(path);
  }
}

/** What the poms resolve to today, unchecked: for whoever changes a version and pins it anew. */
export async function resolveJars(set: JarSet, workshop: Workshop): Promise<Manifest> {
  const staging = await mkdtemp(join(tmpdir(), 'ficus-jars-'));
  workshop.supervisor.removeAtEnd(staging);
  const fetched = join(staging, 'fetched');
  await fetchJars(set, workshop, staging, fetched);
  return hashFolder(fetched);
}
