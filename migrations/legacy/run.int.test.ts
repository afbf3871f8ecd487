import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSession } from '#legacy/db2/driver';
import { PostgresStore } from '#legacy/postgres/store';
import { addressOf } from '#testing/address';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { migrateLegacy } from './run.ts';

describe('PostgreSQL', () => {
  const role = `ficus_${randomBytes(4).toString('hex')}`;
  const capture = `capture_${randomBytes(4).toString('hex')}`;
  let database: ScratchDatabase;

  beforeAll(async () => {
    database = await scratchDatabase();
    await database.sql(`CREATE ROLE ${role} LOGIN PASSWORD 'p@ss/word'; CREATE ROLE ${capture}`);
  });

  afterAll(async () => {
    await database.sql(`DROP OWNED BY ${role}, ${capture}`);
    await database.sql(`DROP ROLE ${role}, ${capture}`);
    await database.drop();
  });

  test('two runners at once do it once, and then nothing is left to do', async () => {
    const url = new URL(database.url);
    url.username = role;
    url.password = encodeURIComponent('p@ss/word');
    const system = {
      kind: 'postgres',
      url: url.href,
      adminUrl: database.url,
      capture: { database: { user: capture } },
    } as const;
    const ran = await Promise.all([migrateLegacy('shop', system), migrateLegacy('shop', system)]);
    expect(ran.flat()).toEqual(['0001-control.sql']);
    expect(await migrateLegacy('shop', system)).toEqual([]);
    expect(await database.sql('SELECT name FROM ficus.migration')).toEqual([{ name: '0001-control.sql' }]);

    const store = new PostgresStore('shop', { url: url.href, slot: 'none' });
    expect(await store.mark()).toBeGreaterThan(0n);
    await store.signalSnapshot('s1', ['public.orders']);
    await store.close();
    await expect(migrateLegacy('shop', { ...system, adminUrl: url.href })).rejects.toMatchObject({
      code: 'setting_invalid',
      message: /system shop: permission denied/,
    });
  });

  test('an account that does not exist is named, and nothing is left half done', async () => {
    const other = await scratchDatabase();
    const system = {
      kind: 'postgres',
      url: other.url,
      capture: { database: { user: 'nobody_at_all' } },
    } as const;
    await expect(migrateLegacy('shop', system)).rejects.toThrow(
      /system shop: role "nobody_at_all" does not exist/,
    );
    expect(await other.sql("SELECT 1 FROM pg_namespace WHERE nspname = 'ficus'")).toEqual([]);
    await other.drop();
  });
});

/** On the Db2 server that all tests use: others may have migrated it before. */
describe('Db2', () => {
  const url = addressOf('TEST_DB2_URL');

  test('two runners at once do it at most once, and then nothing is left to do', async () => {
    const system = { kind: 'db2', url } as const;
    const ran = await Promise.all([migrateLegacy('plant', system), migrateLegacy('plant', system)]);
    expect([[], ['0001-control.sql']]).toContainEqual(ran.flat());
    expect(await migrateLegacy('plant', system)).toEqual([]);
    const session = await openSession(url);
    const names = await session.query('SELECT NAME FROM FICUS.MIGRATION ORDER BY NAME');
    expect(names).toEqual([{ NAME: '0001-control.sql' }]);
    const beats = await session.query('SELECT ID FROM FICUS.HEARTBEAT WHERE ID = 1');
    expect(beats).toHaveLength(1);
    await session.close();
  });

  test('a server that is not there is named', async () => {
    const nowhere = url.replace(/PORT=\d+/, 'PORT=1');
    await expect(migrateLegacy('plant', { kind: 'db2', url: nowhere })).rejects.toMatchObject({
      code: 'legacy_unavailable',
      message: /plant/,
    });
  });
});
