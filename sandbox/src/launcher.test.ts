import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { REPOSITORY } from './paths.ts';

const LAUNCHER = join(REPOSITORY, 'ficus');
const TOOLS = ['node', 'npm', 'python3', 'mvn', 'java', 'gcc', 'g++', 'make', 'tar'];
let bin = '';

beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'ficus-test-'));
  for (const tool of ['bash', 'dirname', 'readlink']) await symlink(await which(tool), join(bin, tool));
});

afterEach(() => rm(bin, { recursive: true }));

async function which(tool: string): Promise<string> {
  const { stdout } = await promisify(execFile)('sh', ['-c', `command -v ${tool}`]);
  return stdout.trim();
}

/** Tools that are there in name only: the launcher asks no more of them before it complains. */
async function pretend(tools: readonly string[], node = 'exit 0'): Promise<void> {
  for (const tool of tools)
    await writeFile(join(bin, tool), `#!/bin/sh\n${tool === 'node' ? node : 'exit 0'}\n`, { mode: 0o755 });
}

async function complaint(): Promise<string> {
  const ended = promisify(execFile)(LAUNCHER, ['demo'], { env: { PATH: bin } });
  return ended.then(
    () => 'nothing',
    (error: { stderr: string }) => error.stderr,
  );
}

type Case = { missing: string; complaint: string };

const cases: Case[] = TOOLS.filter((tool) => tool !== 'python3').map((missing) => ({
  missing,
  complaint: `ficus: missing prerequisites: ${missing}\n`,
}));

test.each(cases)('names $missing when it is missing', async ({ missing, complaint: expected }) => {
  await pretend(TOOLS.filter((tool) => tool !== missing));
  expect(await complaint()).toBe(expected);
});

test('names all that is missing in one line', async () => {
  await pretend(TOOLS.filter((tool) => tool !== 'mvn' && tool !== 'g++'));
  expect(await complaint()).toBe('ficus: missing prerequisites: mvn, g++\n');
});

test('names a pip that is missing and a node that is too old', async () => {
  await pretend(TOOLS, 'case "$1" in --version) echo v16.20.0 ;; *) exit 1 ;; esac');
  await writeFile(join(bin, 'python3'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  expect(await complaint()).toBe(
    'ficus: missing prerequisites: pip (for python3), node 18 or newer (found v16.20.0)\n',
  );
});

test('starts the command line of its own checkout through a symbolic link from anywhere', async () => {
  await pretend(TOOLS);
  const link = join(bin, 'link');
  await symlink(LAUNCHER, link);
  const { stdout } = await promisify(execFile)(link, ['--help'], { cwd: tmpdir(), env: { PATH: bin } });
  expect(stdout).toContain('demo');
});
