import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { estateFile, withRunningEstate } from './running-estate.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ficus-estates-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Linux gives no process an id above 2^22. */
const NOBODY = 2 ** 22 + 1;

function estate(pid: number, url: string): string {
  const file = estateFile(folder, pid);
  writeFileSync(file, `FICUS_MONGO_URL='${url}'\nFICUS_ADMIN_URL='http://admin'\n`);
  return file;
}

test('nothing is added where no estate runs', () => {
  estate(NOBODY, 'mongodb://gone');
  expect(withRunningEstate(folder, { A: '1' })).toEqual({ A: '1' });
  expect(withRunningEstate(join(folder, 'nowhere'), { A: '1' })).toEqual({ A: '1' });
});

test('the one that runs is found, and what the environment says wins', () => {
  estate(NOBODY, 'mongodb://gone');
  estate(process.pid, 'mongodb://here');
  expect(withRunningEstate(folder, { FICUS_ADMIN_URL: 'http://mine' })).toEqual({
    FICUS_MONGO_URL: 'mongodb://here',
    FICUS_ADMIN_URL: 'http://mine',
  });
  expect(withRunningEstate(folder, { FICUS_MONGO_URL: 'mongodb://mine' })).toEqual({
    FICUS_MONGO_URL: 'mongodb://mine',
  });
});

test('of several that run, one must be named', () => {
  const files = [estate(process.pid, 'mongodb://a'), estate(process.ppid, 'mongodb://b')];
  expect(() => withRunningEstate(folder, {})).toThrow(
    /2 estates run here: set FICUS_ESTATE to one of .*estate-/,
  );
  const chosen = withRunningEstate(folder, { FICUS_ESTATE: files[1] });
  expect(chosen.FICUS_MONGO_URL).toBe('mongodb://b');
  expect(() => withRunningEstate(folder, { FICUS_ESTATE: 'nowhere.env' })).toThrow(
    'FICUS_ESTATE is "nowhere.env", which does not exist',
  );
});
