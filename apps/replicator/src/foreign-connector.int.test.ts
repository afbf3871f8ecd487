import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { PostgresSystem } from '#config/systems';
import type { Plan } from '#core/plan';
import { ConnectClient, type ConnectorConfig } from '#debezium/connect-client';
import { connectorConfig, connectorTopics } from '#debezium/connector-config';
import { openKafka } from '#kafka/client';
import { ensureTopics } from '#kafka/topics';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { addressOf } from '#testing/address';
import { aPlan } from '#testing/plans';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { migrateLegacy } from '../../../migrations/legacy/run.ts';
import type { Captured } from './connector-steward.ts';
import { ForeignConnector } from './foreign-connector.ts';

const WAIT = { timeout: 60_000, interval: 100 };
const run = `foreign${randomBytes(4).toString('hex')}`;
const topics = [`${run}.public.order`, `${run}.public.line`, ...connectorTopics('postgres', run)];
const plan = aPlan({ topic: `${run}.public.order` });

const address = addressOf('TEST_CONNECT_URL');
const connect = new ConnectClient(address);
const kafka = openKafka(addressOf('TEST_KAFKA_BROKERS').split(','), run, () => undefined);
let database: ScratchDatabase;
let system: PostgresSystem;
let config: ConnectorConfig;

beforeAll(async () => {
  database = await scratchDatabase();
  const user = new URL(database.url).username;
  await migrateLegacy(run, { kind: 'postgres', url: database.url, capture: { database: { user } } });
  await database.sql(`
    CREATE TABLE "order" (region text, number bigint, amount numeric(12,2), PRIMARY KEY (region, number));
    CREATE TABLE line (id bigint PRIMARY KEY);
    CREATE PUBLICATION ${run} FOR ALL TABLES`);
  await ensureTopics(
    kafka,
    topics.map((topic) => ({ topic, partitions: 1 })),
    { clock: systemClock },
  );
  const [hostname = '', port = ''] = addressOf('TEST_POSTGRES_FROM_CONNECT').split(':');
  const url = new URL(database.url);
  const account = { user, password: decodeURIComponent(url.password), dbname: url.pathname.slice(1) };
  const reached = { hostname, port: Number(port), ...account };
  system = {
    kind: 'postgres',
    url: database.url,
    capture: {
      ...{
        connect: address,
        connector: run,
        topicPrefix: run,
        managed: false,
        ...{ slotPolicy: 'hold', slotAlarm: 0.5 },
        format: 'json',
      },
      ...{ slot: run, publication: run, database: reached },
    },
  };
  config = connectorConfig({
    ...{ kind: 'postgres', topicPrefix: run, format: 'json', registry: null, excluded: [], keys: [] },
    tables: ['public.order'],
    postgres: { slot: run, publication: run, database: reached },
  });
});
afterEach(async () => {
  await fetch(`${address}/connectors/${run}`, { method: 'DELETE' });
  await expect.poll(() => connect.config(run), WAIT).toBeNull();
});
afterAll(async () => {
  const slots = `FROM pg_replication_slots WHERE slot_name = '${run}'`;
  await vi.waitUntil(async () => {
    await database.sql(`SELECT pg_drop_replication_slot(slot_name) ${slots} AND NOT active`);
    return (await database.sql(`SELECT 1 ${slots}`)).length === 0;
  }, WAIT);
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics });
  await admin.disconnect();
  await database.drop();
});

function open() {
  const dependencies = new Dependencies(systemClock);
  const log = openLog('test', 'test', 'silent');
  const warned = vi.spyOn(log, 'warn');
  const sut = new ForeignConnector('shop', system, { connect, dependencies, log });
  return { sut, warned, state: () => dependencies.states().find(({ name }) => name === 'connector:shop') };
}
function captured(plans: readonly Plan[], keyless: readonly string[] = []): Captured {
  return { plans, traits: { notInLog: [], keyless } };
}

/** A worker tells of a configuration once it has read it back from Kafka. */
async function configure(given: ConnectorConfig): Promise<void> {
  await connect.put(run, given);
  await expect.poll(() => connect.config(run), WAIT).toEqual({ ...given, name: run });
}

const refusal = expect.objectContaining({ code: 'connector_failed', retryable: true });

describe('a connector that somebody else configures', () => {
  it('serves by its own configuration, which stays as it is', async () => {
    const flattened = {
      ...config,
      transforms: 'flat',
      'transforms.flat.type': 'io.debezium.transforms.ExtractNewRecordState',
      'transforms.flat.add.fields': 'op,lsn,source.ts_ms',
      'poll.interval.ms': '250',
    };
    await configure(flattened);
    const { sut, state } = open();
    await expect
      .poll(async () => {
        await sut.tend(captured([plan]));
        return sut.healthy;
      }, WAIT)
      .toBe(true);
    expect(state()).toMatchObject({ up: true });
    expect(sut.form(plan).flat).toMatchObject({ fields: { op: '__op' }, tombstones: 'delete' });
    expect(sut.form(plan)).toBe(sut.form(null));
    expect(await connect.config(run)).toMatchObject(flattened);
  });

  it('warns once of values that its modes cannot carry, and is not used where they would change unseen', async () => {
    const precise = { ...config, 'decimal.handling.mode': 'precise' };
    const schemas = { 'key.converter.schemas.enable': 'true', 'value.converter.schemas.enable': 'true' };
    await configure({ ...precise, ...schemas });
    const { sut, warned, state } = open();
    await sut.tend(captured([plan]));
    await sut.tend(captured([plan]));
    const reasons = warned.mock.calls.map(([, message]) => String(message));
    expect(
      reasons.filter((reason) => reason.includes('decimal.handling.mode=precise sends NaN')),
    ).toHaveLength(1);
    expect(sut.form(plan)).toBe(sut.form(null));
    await configure(precise);
    await sut.tend(captured([plan]));
    expect(state()).toMatchObject({ up: false, reason: expect.stringContaining('without their scale') });
    expect(() => sut.form(plan)).toThrow(refusal);
  });

  it('serves nobody while there is none, and says so', async () => {
    const { sut, state } = open();
    expect(() => sut.form(plan)).toThrow(refusal);
    await sut.tend(captured([plan]));
    expect(sut.healthy).toBe(false);
    expect(state()).toMatchObject({ up: false, reason: `Kafka Connect has no connector ${run}` });
    expect(await connect.config(run)).toBeNull();
  });

  it('serves no unit whose table it leaves out, and the others go on', async () => {
    await configure(config);
    const { sut, state } = open();
    const lines = aPlan({ root: { ...plan.root, table: 'public.line' } });
    await sut.tend(captured([plan, lines]));
    expect(state()?.reason).toMatch(/table\.include\.list leaves out public\.line/);
    expect(() => sut.form(lines)).toThrow(refusal);
    expect(sut.form(plan).flat).toBeNull();
  });

  it('serves a unit whose table has no primary key once it keys its records as the plan does', async () => {
    await configure(config);
    const { sut, state } = open();
    const keyless = captured([plan], ['public.order']);
    await sut.tend(keyless);
    expect(state()?.reason).toMatch(/public\.order has no primary key.*add public\\\.order:/);
    expect(() => sut.form(plan)).toThrow(refusal);
    await configure({ ...config, 'message.key.columns': `public.order:${plan.root.key.join(',')}` });
    await sut.tend(keyless);
    expect(sut.form(plan)).toBeDefined();
  });

  it('serves nobody any more once it is given a mode that loses rows', async () => {
    await configure(config);
    const { sut, state } = open();
    await sut.tend(captured([plan]));
    expect(sut.form(plan)).toBeDefined();
    await configure({
      ...config,
      transforms: 'flat',
      'transforms.flat.type': 'io.debezium.transforms.ExtractNewRecordState',
      'transforms.flat.add.fields': 'op,source.ts_ms',
      'transforms.flat.delete.tombstone.handling.mode': 'drop',
    });
    await sut.tend(captured([plan]));
    expect(() => sut.form(plan)).toThrow(refusal);
    expect(state()?.reason).toMatch(/without lsn.*deletes do not come at all/s);
  });
});
