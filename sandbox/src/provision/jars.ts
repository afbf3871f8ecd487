import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheFolder, SANDBOX } from '../paths.ts';
import { run } from '../process/run.ts';
import { land, watchGrowth } from './landing.ts';
import { compareManifests, hashFolder, type Manifest, parseManifest } from './manifest.ts';
import type { Workshop } from './workshop.ts';

const MAVEN = join(SANDBOX, 'maven');
const PINS = join(MAVEN, 'SHA256SUMS');

/** Maven's own plug-ins and metadata included; only for the progress. */
const BYTES = 150e6;

/** Fetches all jars by the poms into `kafka/`, `derby/` and `debezium/` of one folder, checks each against its pin. */
export async function landJars(workshop: Workshop): Promise<string> {
  const pins = await readFile(PINS, 'utf8');
  const pinned = parseManifest(pins, PINS);
  const key = createHash('sha256').update(pins).digest('hex').slice(0, 12);
  const folder = join(cacheFolder(), `jars-${key}`);
  const step = workshop.progress.step('jars');
  await land(folder, async (staging) => {
    const fetched = join(staging, 'fetched');
    await watchGrowth(staging, BYTES, step, fetchJars(workshop, staging, fetched));
    const faults = compareManifests(pinned, await hashFolder(fetched));
    if (faults.length > 0) throw new Error(`jars: ${faults.join('; ')}`);
    await unpackPlugins(workshop, join(fetched, 'debezium'));
    for (const name of await readdir(fetched)) await rename(join(fetched, name), join(staging, name));
    await rm(fetched, { recursive: true });
    step.done(`Kafka, Debezium and Derby fetched (${pinned.size} files checked)`);
  });
  return folder;
}

/** A local repository of its own: Maven's usual one is not safe for two runs at once. */
async function fetchJars(workshop: Workshop, staging: string, out: string): Promise<void> {
  const repository = join(staging, 'repository');
  await run(workshop.supervisor, {
    name: 'mvn (Kafka, Debezium, Derby)',
    command: 'mvn',
    args: [
      ...[
        '--batch-mode',
        '--no-transfer-progress',
        '--quiet',
        '--threads',
        '2',
        '--file',
        join(MAVEN, 'pom.xml'),
      ],
      ...[`-Dmaven.repo.local=${repository}`, `-Dficus.out=${out}`, 'generate-resources'],
    ],
  });
  await rm(repository, { recursive: true });
}

async function unpackPlugins(workshop: Workshop, folder: string): Promise<void> {
  for (const archive of await readdir(folder)) {
    const path = join(folder, archive);
    await run(workshop.supervisor, { name: 'tar', command: 'tar', args: ['-xzf', path, '-C', folder] });
    await rm(path);
  }
}

/** What the poms resolve to today, unchecked: for whoever changes a version and pins it anew. */
export async function resolveJars(workshop: Workshop): Promise<Manifest> {
  const staging = await mkdtemp(join(tmpdir(), 'ficus-jars-'));
  workshop.supervisor.removeAtEnd(staging);
  const fetched = join(staging, 'fetched');
  await fetchJars(workshop, staging, fetched);
  return hashFolder(fetched);
}
