import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exists } from '../provision/landing.ts';
import { describeExit, describeLoss, lastLines } from './child.ts';
import { waitFor } from './poll.ts';
import { run } from './run.ts';
import { Supervisor } from './supervisor.ts';

let sut: Supervisor;
let folder = '';

beforeEach(async () => {
  sut = new Supervisor();
  folder = await mkdtemp(join(tmpdir(), 'ficus-test-'));
});

afterEach(async () => {
  await sut.stopAll();
  await rm(folder, { recursive: true, force: true });
});

/** A shell that says when it is up and, when it is asked to end, which one it was. */
const shell = (name: string, stage: number) => ({
  name,
  stage,
  command: 'sh',
  args: ['-c', `trap 'echo ${name} >> ends; exit 0' TERM; echo up; while :; do sleep 0.05; done`],
  cwd: folder,
  logFile: join(folder, `${name}.log`),
});

const isUp = (name: string) =>
  waitFor(name, async () => expect(await readFile(join(folder, `${name}.log`), 'utf8')).toBe('up\n'), {
    timeoutMs: 10_000,
  });

test('children are stopped stage by stage, and then nothing can be started', async () => {
  for (const [name, stage] of [
    ['server', 2],
    ['app', 0],
    ['bridge', 1],
  ] as const) {
    sut.spawn(shell(name, stage));
    await isUp(name);
  }
  await sut.stopAll();
  expect(await readFile(join(folder, 'ends'), 'utf8')).toBe('app\nbridge\nserver\n');
  expect(() => sut.spawn(shell('late', 0))).toThrow('late was not started: the run is stopping');
});

test('a killed child has no chance to say anything', async () => {
  const child = sut.spawn(shell('victim', 0));
  await isUp('victim');
  await child.kill();
  expect(child.exit).toEqual({ code: null, signal: 'SIGKILL' });
  expect(await exists(join(folder, 'ends'))).toBe(false);
});

test('a child that should last and ends is told of, one that is stopped is not', async () => {
  const told: string[] = [];
  sut.onLoss((child) => told.push(describeLoss(child)));
  const logFile = join(folder, 'lost.log');
  const lost = sut.spawn({ name: 'lost', command: 'sh', args: ['-c', 'echo why; exit 3'], logFile });
  lost.expectToLast();
  await lost.exited;
  await sut.spawn({ name: 'brief', command: 'true', args: [] }).exited;
  for (const end of ['stop', 'kill'] as const) {
    const child = sut.spawn(shell(end, 0));
    child.expectToLast();
    await isUp(end);
    await child[end]();
  }
  expect(told).toEqual(['lost ended by itself with exit status 3; the end of its log:\nwhy']);
});

test('what a child leaves in its process group ends with it', async () => {
  const file = join(folder, 'pid');
  const child = sut.spawn({ name: 'parent', command: 'sh', args: ['-c', `sleep 600 & echo $! > ${file}`] });
  await child.exited;
  const orphan = Number(await readFile(file, 'utf8'));
  await waitFor('the end of the orphan', async () => expect(() => process.kill(orphan, 0)).toThrow(), {
    timeoutMs: 5_000,
  });
});

test('folders go and commands run at the end', async () => {
  const doomed = await mkdtemp(join(folder, 'doomed-'));
  await writeFile(join(doomed, 'file'), '');
  sut.removeAtEnd(doomed);
  sut.runAtEnd('touch', [join(folder, 'ran')]);
  await sut.stopAll();
  expect(await exists(doomed)).toBe(false);
  expect(await exists(join(folder, 'ran'))).toBe(true);
});

describe('a command that is run to its end', () => {
  test('answers what it printed', async () => {
    const printed = await run(sut, {
      name: 'echo',
      command: 'sh',
      args: ['-c', 'echo $GREETING'],
      env: { GREETING: 'hello' },
    });
    expect(printed).toBe('hello\n');
  });

  type Case = { title: string; command: string; args: string[]; message: RegExp };
  const cases: Case[] = [
    {
      title: 'that fails',
      command: 'sh',
      args: ['-c', 'echo why >&2; exit 3'],
      message: /^it failed: exit status 3\nwhy$/,
    },
    {
      title: 'that is killed',
      command: 'sh',
      args: ['-c', 'kill -9 $$'],
      message: /^it failed: signal SIGKILL$/,
    },
    {
      title: 'that is not there',
      command: 'no-such-command',
      args: [],
      message: /^it failed: spawn no-such-command ENOENT$/,
    },
  ];

  test.each(cases)('$title is named with the reason', async ({ command, args, message }) => {
    await expect(run(sut, { name: 'it', command, args })).rejects.toThrow(message);
  });
});

test('an end is described in words', () => {
  expect(describeExit({ code: 1, signal: null })).toBe('exit status 1');
  expect(describeExit({ code: null, signal: 'SIGTERM' })).toBe('signal SIGTERM');
  expect(lastLines('a\nb\nc\n', 2)).toBe('b\nc');
});
