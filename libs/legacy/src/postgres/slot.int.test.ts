import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { PostgresSlot } from './slot.ts';

const name = `slot_${randomBytes(6).toString('hex')}`;
const account = { user: name, password: 'p@ss:word/#' };
let database: ScratchDatabase;
let sut: PostgresSlot;

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(`CREATE ROLE ${name} LOGIN REPLICATION PASSWORD '${account.password}'`);
  sut = new PostgresSlot('shop', { url: database.url, slot: name, account });
});
afterAll(async () => {
  await sut.drop();
  await sut.close();
  await database.sql(`DROP ROLE ${name}`);
  await database.drop();
});

const make = () => database.sql(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);

describe('a replication slot', () => {
  it('is not there before its connector was', async () => {
    const { slot, limitBytes } = await sut.read();
    expect(slot).toBeNull();
    expect(limitBytes).toBe(1024 ** 3);
    await sut.drop();
  });

  it('tells which source it is of, and how far that is', async () => {
    const { source } = await sut.read();
    expect(source).toMatchObject({ cluster: expect.stringMatching(/^\d{10,}$/), timeline: 1 });
    await database.sql('CREATE TABLE further (id int); CHECKPOINT');
    const later = (await sut.read()).source;
    expect(later).toMatchObject({ cluster: source.cluster, timeline: source.timeline });
    expect(BigInt(later.flushed)).toBeGreaterThan(BigInt(source.flushed));
  });

  it('is of a source that need not tell its cluster', async () => {
    const plain = new URL(database.url);
    [plain.username, plain.password] = [account.user, encodeURIComponent(account.password)];
    const other = new PostgresSlot('shop', { url: plain.href, slot: name, account });
    await database.sql('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
    expect((await other.read()).source).toMatchObject({ cluster: null, timeline: 1 });
    await database.sql('GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC');
    expect((await other.read()).source.cluster).toBe((await sut.read()).source.cluster);
    await other.close();
  });

  it('holds back what is written while nobody reads', async () => {
    await make();
    const before = (await sut.read()).slot;
    expect(before).toMatchObject({ walStatus: 'reserved', active: false });
    expect(before?.confirmed).toMatch(/^\d+$/);
    await database.sql(`CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 1000)`);
    const after = (await sut.read()).slot;
    expect((after?.retainedBytes ?? 0) - (before?.retainedBytes ?? 0)).toBeGreaterThan(1_000_000);
    expect(after?.safeBytes).toBeGreaterThan(0);
    expect(after?.confirmed).toBe(before?.confirmed);
  });

  it('is dropped by the capture account', async () => {
    await sut.drop();
    expect((await sut.read()).slot).toBeNull();
  });

  it('cannot be dropped by an account without the right, which says so', async () => {
    await make();
    await database.sql(`ALTER ROLE ${name} NOREPLICATION`);
    await expect(sut.drop()).rejects.toMatchObject({ code: 'setting_invalid' });
    await database.sql(`ALTER ROLE ${name} REPLICATION`);
  });
});
