import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CanonicalDocument } from '#core/document';
import { keyFields, type Plan } from '#core/plan';
import type { Capture } from '#core/ports/capture';
import type { ListQuery } from '#core/query';
import { heartbeatTopic, notificationTopic } from '#debezium/connector-config';
import { openKafka } from '#kafka/client';
import { ensureTopics } from '#kafka/topics';
import { PostgresStore } from '#legacy/postgres/store';
import { openMongo } from '#mongo/connection';
import { type Control, openControl } from '#mongo/control/control';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { type App, startApp } from '../sandbox/src/estate/apps.ts';
import { withClient } from '../sandbox/src/estate/billing.ts';
import { NODE, REPOSITORY } from '../sandbox/src/paths.ts';
import { waitFor } from '../sandbox/src/process/poll.ts';
import { Supervisor } from '../sandbox/src/process/supervisor.ts';
import { type Servers, startServers } from '../sandbox/src/server/servers.ts';
import { changes, planText, SCHEMA } from './item-tables.ts';
import { backUp, hasFiles, restore } from './postgres-copy.ts';

/**
 * Slots that PostgreSQL really gives up, and topics that are deleted, with rows inserted, updated and deleted meanwhile: MongoDB ends equal to the
 * tables, by an operator's order or by policy, wherever the replicator is killed. The servers are this test's own, since
 * what bounds a slot bounds those of everybody.
 */

const SYSTEMS = ['held', 'renewed'] as const;
type System = (typeof SYSTEMS)[number];

const CAPTURE = { user: 'slot_capture', password: 'capture' };
const supervisor = new Supervisor();
const mongos: ReturnType<typeof openMongo>[] = [];
let servers: Servers;
let settings: Record<string, string>;
let replicator: App;
let admin: App;
let control: Control;
let documents: MongoDocumentStore;
const stores = new Map<System, PostgresStore>();

function addressOf(database: string, account?: typeof CAPTURE): string {
  const url = new URL(servers.env.TEST_POSTGRES_URL ?? '');
  url.pathname = `/${database}`;
  if (account !== undefined) [url.username, url.password] = [account.user, account.password];
  return url.href;
}

async function sql(database: string, text: string): Promise<void> {
  await withClient(addressOf(database), (client) => client.query(text));
}

async function ficus(...args: string[]): Promise<string> {
  const main = join(REPOSITORY, 'apps/cli/src/main.ts');
  const child = supervisor.spawn({
    ...{
      name: 'ficus',
      command: NODE,
      args: ['--conditions=source', main, ...args],
      env: settings,
      cwd: REPOSITORY,
    },
  });
  const exit = await child.exited;
  const output = await child.output();
  if (exit.code !== 0) throw new Error(`ficus ${args.join(' ')}: ${output}`);
  return output;
}

/** @param changes to the systems' settings, by name. */
async function writeSystems(changed: Partial<Record<System, object>> = {}): Promise<string> {
  const [hostname = '', port = ''] = (servers.env.TEST_POSTGRES_FROM_CONNECT ?? '').split(':');
  const systems = Object.fromEntries(
    SYSTEMS.map((name) => [
      name,
      {
        kind: 'postgres',
        url: addressOf(name),
        capture: {
          ...{ connect: servers.env.TEST_CONNECT_URL, connector: name, topicPrefix: name },
          ...{ slot: `slot_${name}`, publication: name },
          slotPolicy: name === 'held' ? 'hold' : 'resnapshot',
          database: { hostname, port: Number(port), ...CAPTURE, dbname: name },
          ...changed[name],
        },
      },
    ]),
  );
  const file = join(servers.dataDir, 'systems.yaml');
  await writeFile(file, JSON.stringify({ systems }));
  return file;
}

async function connect(method: string, path: string): Promise<void> {
  const reply = await fetch(`${servers.env.TEST_CONNECT_URL}/connectors/${path}`, { method });
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${await reply.text()}`);
}

interface Health {
  readonly name: string;
  readonly up: boolean;
  readonly reason: string | null;
}

async function health(): Promise<readonly Health[]> {
  const reply = await fetch(`${replicator.url}/health/ready`);
  return ((await reply.json()) as { readonly dependencies: readonly Health[] }).dependencies;
}

/** What the replicator says of a dependency: null when nothing is wrong with it. */
async function reasonFor(dependency: string): Promise<string | null> {
  return (await health()).find(({ name }) => name === dependency)?.reason ?? null;
}

const unitOf = async (system: System) =>
  (await control.units.read(`${system}-items`)) ?? expect.fail(`no unit of ${system}`);

async function until(what: string, holds: () => Promise<boolean>, everyMs = 100): Promise<void> {
  await waitFor(
    what,
    async () => {
      if (await holds()) return;
      const faults = await health().then((all) => all.filter(({ up }) => !up), String);
      const captures = await Promise.all(SYSTEMS.map((name) => control.captures.read(name)));
      throw new Error(JSON.stringify({ faults, captures }));
    },
    { timeoutMs: 180_000, everyMs },
  );
}

async function isComplete(system: System): Promise<boolean> {
  const { planVersion, replication } = await unitOf(system);
  return replication?.planVersion === planVersion && replication.snapshot.complete;
}

/** All documents of a store, in the order of their keys. */
async function allOf(
  list: (query: ListQuery) => Promise<{ documents: readonly CanonicalDocument[] }>,
  plan: Plan,
) {
  const sort = keyFields(plan.root).map((field) => ({ field, descending: false }));
  return (await list({ filters: [], sort, limit: 100_000, after: null })).documents;
}

async function untilEqual(system: System): Promise<void> {
  const { plan } = await unitOf(system);
  const store = stores.get(system) ?? expect.fail('no store');
  const legacy = await allOf((query) => store.list(plan, query), plan);
  expect(legacy.length).toBeGreaterThan(2_000);
  const stored = () => allOf((query) => documents.list(plan, query), plan);
  await until(
    `${legacy.length} documents of ${system} that are equal`,
    async () => JSON.stringify(await stored()) === JSON.stringify(legacy),
    500,
  ).catch(async () => expect(await stored()).toEqual(legacy));
}

/** Stops the connectors for good, as one that hangs, and lets PostgreSQL write more than it keeps for their slots. */
async function loseSlots(systems: readonly System[], round: number): Promise<void> {
  for (const system of systems) await connect('PUT', `${system}/stop`);
  await sql('postgres', `ALTER SYSTEM SET max_slot_wal_keep_size = '32MB'`);
  await sql('postgres', 'SELECT pg_reload_conf()');
  for (const system of systems) await sql(system, changes(round));
  await writeLog(systems, 6);
  await sql('postgres', 'CHECKPOINT');
  await sql('postgres', 'ALTER SYSTEM RESET max_slot_wal_keep_size');
  await sql('postgres', 'SELECT pg_reload_conf()');
}

/** A segment of the log is 16 MB. */
async function writeLog([database = 'held']: readonly System[], segments: number): Promise<void> {
  for (let segment = 0; segment < segments; segment++) {
    await sql(database, `INSERT INTO filler SELECT repeat(md5(g::text), 30) FROM generate_series(1, 1000) g`);
    await sql(database, 'SELECT pg_switch_wal()');
  }
}

/** Deletes topics with all that is in them, and makes them again with as many partitions. */
async function makeAnew(topics: readonly string[]): Promise<void> {
  const kafka = openKafka((servers.env.TEST_KAFKA_BROKERS ?? '').split(','), 'slot-loss', () => undefined);
  const admin = kafka.admin();
  await admin.connect();
  const { topics: known } = await admin.fetchTopicMetadata({ topics: [...topics] });
  await admin.deleteTopics({ topics: [...topics] });
  await admin.disconnect();
  const specs = known.map(({ name, partitions }) => ({ topic: name, partitions: partitions.length }));
  await ensureTopics(kafka, specs, { clock: systemClock });
}

/** `kill -9` of the replicator at the first sight of each stage of a new beginning. */
async function killInEachStage(system: System): Promise<readonly string[]> {
  const seen: string[] = [];
  const newest = async (): Promise<string> => (await control.captures.read(system)).renewals[0]?.stage ?? '';
  const before = (await control.captures.read(system)).generation;
  await until('a new beginning', async () => (await control.captures.read(system)).generation > before, 5);
  for (let stage = await newest(); stage !== 'done'; stage = await newest()) {
    if (!seen.includes(stage)) {
      seen.push(stage);
      await replicator.daemon.kill();
      await replicator.daemon.restart();
    }
    await until(`an end of ${stage}`, async () => (await newest()) !== stage, 5);
  }
  return seen;
}

beforeAll(async () => {
  const names = ['kafka', 'connect', 'mongo', 'postgres', 'redis'] as const;
  servers = await startServers({ names: [...names], log: () => undefined, supervisor });
  await sql('postgres', `CREATE ROLE ${CAPTURE.user} LOGIN REPLICATION PASSWORD '${CAPTURE.password}'`);
  for (const system of SYSTEMS) {
    await sql('postgres', `CREATE DATABASE ${system}`);
    await sql(system, SCHEMA);
    await sql(system, `GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${CAPTURE.user}`);
    await writeFile(join(servers.dataDir, `${system}.yaml`), planText(system));
    stores.set(system, new PostgresStore(system, { url: addressOf(system), slot: `slot_${system}` }));
  }
  settings = {
    FICUS_MONGO_URL: servers.env.TEST_MONGO_URL ?? '',
    FICUS_MONGO_DATABASE: 'estate',
    FICUS_KAFKA_BROKERS: servers.env.TEST_KAFKA_BROKERS ?? '',
    FICUS_REDIS_URL: servers.env.TEST_REDIS_URL ?? '',
    FICUS_SYSTEMS: await writeSystems(),
    FICUS_DIGEST_KEY: 'slot-loss-digest-key',
  };
  await ficus('migrate');
  await ficus('plan', 'apply', ...SYSTEMS.map((system) => join(servers.dataDir, `${system}.yaml`)));
  const given = { dataDir: servers.dataDir, supervisor };
  [replicator, admin] = await Promise.all([
    startApp('replicator', settings, given),
    startApp('admin', settings, given),
  ]);
  settings.FICUS_ADMIN_URL = admin.url;
  const mongo = openMongo(settings.FICUS_MONGO_URL ?? '', 'slot-loss-test');
  mongos.push(mongo);
  control = openControl(mongo, systemClock);
  documents = new MongoDocumentStore(mongo.db('estate'));
  for (const system of SYSTEMS) await until(`the snapshot of ${system}`, () => isComplete(system));
});

afterAll(async () => {
  await Promise.all([...stores.values(), ...mongos].map((one) => one.close()));
  await supervisor.stopAll();
});

describe('a slot', () => {
  it('is measured, and shown with its unit and its system', async () => {
    for (const system of SYSTEMS) await sql(system, changes(1));
    for (const system of SYSTEMS) await untilEqual(system);
    await until('a measured slot', async () => (await control.captures.read('held')).slot?.slot !== null);
    const unit = JSON.parse(await ficus('unit', 'show', 'held-items')) as { capture: Capture };
    expect(unit.capture.slot).toMatchObject({ name: 'slot_held', limitBytes: 1024 ** 3, alarm: null });
    expect(unit.capture.slot?.slot).toMatchObject({ walStatus: 'reserved', active: true });
    const metrics = await (await fetch(`${replicator.url}/metrics`)).text();
    expect(metrics).toMatch(/^ficus_slot_retained_bytes\{system="held"\} \d+$/m);
    expect(metrics).toMatch(/^ficus_slot_limit_bytes\{system="held"\} 1073741824$/m);
    expect(await reasonFor('slot:held')).toBeNull();
  });

  it('that nothing bounds is told of, by readiness and by `plan apply`', async () => {
    await sql('postgres', 'ALTER SYSTEM SET max_slot_wal_keep_size = -1');
    await sql('postgres', 'SELECT pg_reload_conf()');
    await until('the alarm', async () =>
      /nothing bounds .* slot_held/.test((await reasonFor('slot:held')) ?? ''),
    );
    const said = await ficus('plan', 'apply', join(servers.dataDir, 'held.yaml'));
    expect(said).toMatch(/held: warning: nothing bounds .*ALTER SYSTEM SET max_slot_wal_keep_size/);
    await sql('postgres', 'ALTER SYSTEM RESET max_slot_wal_keep_size');
    await sql('postgres', 'SELECT pg_reload_conf()');
    await until('its end', async () => (await reasonFor('slot:held')) === null);
  });

  it('that is lost begins anew by policy, wherever the replicator is killed, or is held', async () => {
    const kills = killInEachStage('renewed');
    await loseSlots(SYSTEMS, 2);
    expect(await kills).toEqual(['halting', 'restarting', 'reading']);
    await untilEqual('renewed');
    expect(await isComplete('renewed')).toBe(true);
    expect((await control.captures.read('renewed')).renewals).toMatchObject([
      { by: 'policy', stage: 'done' },
    ]);

    await until('the loss', async () => (await control.captures.read('held')).lost !== null);
    expect(await reasonFor('slot:held')).toMatch(
      /slot_held is lost.*stands still.*ficus system resnapshot held/,
    );
    await until('an unknown lag', async () => (await unitOf('held')).replication?.lagMs === null);
    expect((await control.captures.read('held')).renewals).toEqual([]);
  });

  it('that was held begins anew by order', async () => {
    await ficus('system', 'resnapshot', 'held', '--reason', 'the disk was full');
    await until('the end', async () => (await control.captures.read('held')).renewals[0]?.stage === 'done');
    await untilEqual('held');
    expect((await control.captures.read('held')).renewals).toMatchObject([
      { reason: 'the disk was full', stage: 'done' },
    ]);
    expect(await reasonFor('slot:held')).toBeNull();
    await until('a known lag', async () => (await unitOf('held')).replication?.lagMs !== null);
    // What comes now comes from the stream again.
    await sql('held', changes(3));
    await untilEqual('held');
    await sql('renewed', changes(3));
    await untilEqual('renewed');
  });

  it('that holds back more than its limit is given up while its connector stands still', async () => {
    await replicator.daemon.kill();
    await writeSystems({ renewed: { slotLimit: 32 * 1024 ** 2 } });
    await connect('PUT', 'renewed/stop');
    await sql('renewed', changes(4));
    await writeLog(['renewed'], 4);
    await replicator.daemon.restart();
    await until(
      'a second new beginning',
      async () => (await control.captures.read('renewed')).renewals.length === 2,
    );
    await until(
      'its end',
      async () => (await control.captures.read('renewed')).renewals[0]?.stage === 'done',
    );
    expect((await control.captures.read('renewed')).renewals[0]?.reason).toMatch(/more than slotLimit/);
    await untilEqual('renewed');
    await until('a new slot', async () => {
      const state = (await control.captures.read('renewed')).slot?.slot;
      return state?.active === true && (state.retainedBytes ?? 0) < 16 * 1024 ** 2;
    });
  });
});

describe('a source', () => {
  it('that an older copy has taken the place of is stopped, and goes on in a new epoch by order', async ({
    skip,
  }) => {
    if (!hasFiles(servers)) skip('PostgreSQL runs in a container: its files are out of reach');
    await backUp(servers);
    for (const system of SYSTEMS) await sql(system, changes(5));
    for (const system of SYSTEMS) await untilEqual(system);
    await restore(servers);
    for (const system of SYSTEMS) {
      await until(`that ${system} is stopped`, async () => {
        const { lost } = await control.captures.read(system);
        return lost?.isOther === true && /on timeline 2, and was on 1/.test(lost.reason);
      });
      expect(await reasonFor(`slot:${system}`)).toMatch(/opens a new epoch$/);
    }
    await until('an unknown lag', async () => (await unitOf('held')).replication?.lagMs === null);
    for (const system of SYSTEMS) await sql(system, changes(6));
    for (const system of SYSTEMS)
      await ficus('system', 'resnapshot', system, '--reason', 'the first one is broken');
    for (const system of SYSTEMS) {
      await until(
        `the end of ${system}'s new beginning`,
        async () => (await control.captures.read(system)).renewals[0]?.stage === 'done',
      );
      await untilEqual(system);
      expect(await unitOf(system)).toMatchObject({ state: { epoch: 2 }, replaced: 1 });
      await sql(system, changes(7));
      await untilEqual(system);
    }
  });
});

/** Topics of `held`: of its tables, and those on which its connector tells of itself. */
const OF_TABLES = ['held.public.item', 'held.public.part'];
const OF_CONNECTOR = [heartbeatTopic('postgres', 'held'), notificationTopic('held')];

describe('topics', () => {
  it('that were made anew stop their unit, and a new epoch goes on with them by order', async () => {
    const { state } = await unitOf('held');
    await makeAnew([...OF_TABLES, ...OF_CONNECTOR]);
    await sql('held', changes(8));
    await until('the loss', async () =>
      /no record at the offset that was applied last/.test((await reasonFor('kafka:held-items')) ?? ''),
    );
    await ficus('system', 'resnapshot', 'held', '--new-epoch', '--reason', 'the topics were made anew');
    await until('the end', async () => (await control.captures.read('held')).renewals[0]?.stage === 'done');
    await untilEqual('held');
    expect((await unitOf('held')).state.epoch).toBe(state.epoch + 1);
    expect(await reasonFor('kafka:held-items')).toBeNull();
    await until('a known lag', async () => (await unitOf('held')).replication?.lagMs !== null);
    await sql('held', changes(9));
    await untilEqual('held');
  });
});
