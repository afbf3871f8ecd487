import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { ensurePublication } from './publication.ts';

const NAME = 'Ficus shop';
let database: ScratchDatabase;

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(
    'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY); CREATE TABLE "C.d" ()',
  );
});

afterAll(async () => {
  await database.drop();
});

async function published(): Promise<readonly unknown[]> {
  const rows = await database.sql(
    'SELECT tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1',
    [NAME],
  );
  return rows.map((row) => row.tablename);
}

test('makes a publication, adds what is missing and takes nothing away', async () => {
  await ensurePublication(database.url, NAME, ['public.a', 'public.a']);
  expect(await published()).toEqual(['a']);
  await ensurePublication(database.url, NAME, ['public.b', 'public.C.d']);
  expect(await published()).toEqual(['C.d', 'a', 'b']);
  await ensurePublication(database.url, NAME, ['public.a']);
  expect(await published()).toEqual(['C.d', 'a', 'b']);
});

test('two at once agree', async () => {
  const name = `both_${randomBytes(4).toString('hex')}`;
  await Promise.all([
    ensurePublication(database.url, name, ['public.a']),
    ensurePublication(database.url, name, ['public.a', 'public.b']),
  ]);
  const rows = await database.sql(
    'SELECT tablename FROM pg_publication_tables WHERE pubname = $1 ORDER BY 1',
    [name],
  );
  expect(rows.map((row) => row.tablename)).toEqual(['a', 'b']);
});

test('a partitioned table stands under its own name', async () => {
  await database.sql(
    'CREATE TABLE slices (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE slices_1 PARTITION OF slices DEFAULT',
  );
  await ensurePublication(database.url, NAME, ['public.slices']);
  await ensurePublication(database.url, NAME, ['public.slices']);
  expect(await published()).toContain('slices');
  expect(await published()).not.toContain('slices_1');
});

test('a partitioned table is refused by a publication that somebody made to send its partitions', async () => {
  const name = `leaves_${randomBytes(4).toString('hex')}`;
  await database.sql(
    `CREATE TABLE "Cut up" (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE PUBLICATION ${name} FOR TABLE a`,
  );
  await expect(ensurePublication(database.url, name, ['public.a', 'public.Cut up'])).rejects.toMatchObject({
    code: 'plan_invalid',
    message: /partitioned public.Cut up .* SET \(publish_via_partition_root = true\)/,
  });
  await ensurePublication(database.url, name, ['public.a', 'public.b']);
});

test.each([
  ["FOR TABLE a WITH (publish = 'insert, update')", /leaves out inserts, updates or deletes/],
  ['FOR TABLE a WHERE (id > 1)', /only some rows or columns of public.a/],
  ['FOR TABLE a (id)', /only some rows or columns of public.a/],
])('refuses one that somebody made %s', async (how, says) => {
  const name = `part_${randomBytes(4).toString('hex')}`;
  await database.sql(`CREATE PUBLICATION ${name} ${how}`);
  await expect(ensurePublication(database.url, name, ['public.a'])).rejects.toMatchObject({
    code: 'plan_invalid',
    message: says,
  });
});

test('names a table that is not there', async () => {
  await expect(ensurePublication(database.url, NAME, ['public.nowhere'])).rejects.toMatchObject({
    code: 'plan_invalid',
    message: /relation "public.nowhere" does not exist/,
  });
});
