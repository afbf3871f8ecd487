import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { exists, land } from './landing.ts';
import { withLock } from './lock.ts';

let cache = '';

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'ficus-test-'));
});

afterEach(() => rm(cache, { recursive: true }));

const write = (text: string) => (staging: string) => writeFile(join(staging, 'file'), text);

test('a folder appears when it is complete, and is filled only once', async () => {
  const folder = join(cache, 'thing-1');
  const landed = await land(folder, async (staging) => {
    await write('first')(staging);
    expect(await exists(folder)).toBe(false);
  });
  expect(landed).toBe(true);
  expect(await land(folder, write('second'))).toBe(false);
  expect(await readFile(join(folder, 'file'), 'utf8')).toBe('first');
});

test('a failure leaves nothing, neither the folder nor what was staged', async () => {
  const folder = join(cache, 'thing-1');
  await expect(land(folder, () => Promise.reject(new Error('no network')))).rejects.toThrow('no network');
  expect(await exists(folder)).toBe(false);
  expect(await readdir(join(cache, '.staging'))).toEqual([]);
});

test('of two that land the same thing at the same time, both succeed and one wins', async () => {
  const folder = join(cache, 'thing-1');
  const gate = Promise.withResolvers<void>();
  let waiting = 0;
  const meet = async (staging: string) => {
    await write(staging)(staging);
    waiting += 1;
    if (waiting === 2) gate.resolve();
    await gate.promise;
  };
  await Promise.all([land(folder, meet), land(folder, meet)]);
  expect(await readdir(folder)).toEqual(['file']);
  expect(await readdir(join(cache, '.staging'))).toEqual([]);
});

test('what a killed run had staged is swept, what a living one stages is not', async () => {
  // No process has this number: it is above the largest that Linux and macOS give.
  const dead = join(cache, '.staging', '99999999-thing-1-abc');
  const living = join(cache, '.staging', `${process.pid}-thing-2-abc`);
  await mkdir(dead, { recursive: true });
  await mkdir(living, { recursive: true });
  await land(join(cache, 'thing-3'), write('x'));
  expect(await readdir(join(cache, '.staging'))).toEqual([`${process.pid}-thing-2-abc`]);
});

test('a lock lets one through after the other', async () => {
  const path = join(cache, 'lock');
  let inside = 0;
  const work = async () => {
    inside += 1;
    expect(inside).toBe(1);
    await readdir(cache);
    inside -= 1;
  };
  await Promise.all([withLock(path, work), withLock(path, work), withLock(path, work)]);
  expect(await exists(path)).toBe(false);
});

test('a lock whose holder has died is taken over', async () => {
  const path = join(cache, 'lock');
  await writeFile(path, '99999999');
  await expect(withLock(path, () => Promise.resolve('done'))).resolves.toBe('done');
});
