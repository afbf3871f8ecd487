import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { missingGrants } from './grants.ts';

const ROLE = `granted_${Date.now().toString(36)}`;
const TABLES = ['public.open', 'Closed off.Table'];
let database: ScratchDatabase;

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(`
    CREATE ROLE ${ROLE};
    CREATE SCHEMA "Closed off";
    CREATE TABLE open (id int PRIMARY KEY);
    CREATE TABLE "Closed off"."Table" (id int PRIMARY KEY);
    GRANT SELECT ON open TO ${ROLE};
  `);
});
afterAll(async () => {
  await database.sql(`DROP OWNED BY ${ROLE}; DROP ROLE ${ROLE}`);
  await database.drop();
});

test('names what an account lacks as the statements that give it', async () => {
  const account = { name: ROLE, privileges: ['SELECT', 'UPDATE'] } as const;
  const missing = await missingGrants(database.url, account, TABLES);
  expect(missing).toEqual([
    `GRANT USAGE ON SCHEMA "Closed off" TO "${ROLE}"`,
    `GRANT SELECT, UPDATE ON "Closed off"."Table" TO "${ROLE}"`,
    `GRANT UPDATE ON "public"."open" TO "${ROLE}"`,
  ]);
  for (const grant of missing) await database.sql(grant);
  expect(await missingGrants(database.url, account, TABLES)).toEqual([]);
});

test('knows no account that is not there', async () => {
  const account = { name: 'nobody_at_all', privileges: ['SELECT'] } as const;
  await expect(missingGrants(database.url, account, TABLES)).rejects.toMatchObject({
    message: expect.stringContaining('nobody_at_all'),
  });
});
