import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { captureFaults } from './capture-account.ts';

const role = `capture_${randomBytes(4).toString('hex')}`;
let database: ScratchDatabase;
let name: string;

beforeAll(async () => {
  database = await scratchDatabase();
  name = new URL(database.url).pathname.slice(1);
  await database.sql(`CREATE TABLE seen (id int PRIMARY KEY); CREATE TABLE guarded (id int PRIMARY KEY);
    ALTER TABLE guarded ENABLE ROW LEVEL SECURITY; CREATE ROLE ${role} LOGIN`);
});

beforeEach(async () => {
  await database.sql(`ALTER ROLE ${role} RESET ALL; ALTER ROLE ${role} IN DATABASE ${name} RESET ALL;
    ALTER DATABASE ${name} RESET ALL; ALTER ROLE ${role} NOBYPASSRLS`);
});

afterAll(async () => {
  await database.sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

async function faults(...tables: readonly string[]): Promise<readonly string[]> {
  return await captureFaults(database.url, role, tables);
}

test('finds nothing to say of an account that is as it was made', async () => {
  expect(await faults('public.seen')).toEqual([]);
});

test.each([
  ['IntervalStyle', 'sql_standard', 'postgres'],
  ['bytea_output', 'escape', 'hex'],
  ['extra_float_digits', '-3', '1'],
  ['extra_float_digits', '0', '3'],
])('names a database that has %s %s, and is content with %s', async (setting, wrong, right) => {
  await database.sql(`ALTER DATABASE ${name} SET ${setting} = '${wrong}'`);
  expect(await faults('public.seen')).toEqual([
    expect.stringMatching(new RegExp(`${setting} ${wrong}, .* ALTER ROLE "?${role}"? IN DATABASE`)),
  ]);
  await database.sql(`ALTER ROLE ${role} IN DATABASE ${name} SET ${setting} = '${right}'`);
  expect(await faults('public.seen')).toEqual([]);
});

test('goes by the role before the database', async () => {
  await database.sql(
    `ALTER DATABASE ${name} SET bytea_output = 'hex'; ALTER ROLE ${role} SET bytea_output = 'escape'`,
  );
  expect(await faults('public.seen')).toHaveLength(1);
});

test('names tables whose rows the account may not see', async () => {
  expect(await faults('public.seen', 'public.guarded')).toEqual([
    expect.stringMatching(/row security may hide rows of public.guarded .* BYPASSRLS/),
  ]);
  await database.sql(`ALTER ROLE ${role} BYPASSRLS`);
  expect(await faults('public.guarded')).toEqual([]);
});
