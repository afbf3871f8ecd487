import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openControl } from '#mongo/control/control';
import { systemClock as clock } from '#observability/clock';
import { type AppName, startApp } from '../../sandbox/src/estate/apps.ts';
import { NODE, REPOSITORY } from '../../sandbox/src/paths.ts';
import { waitFor } from '../../sandbox/src/process/poll.ts';
import { run } from '../../sandbox/src/process/run.ts';
import type { Daemon } from '../../sandbox/src/server/daemon.ts';
import type { Rig } from '../rig.ts';

export const UNIT = 'orders';
export const TOPIC = 'shop.public.orders';

const PLAN = `
unit: ${UNIT}
owner: bench
description: Orders whose changes are timed
mode: RW
legacy: { system: shop, table: public.orders, key: [id], version: lsn }
topic: ${TOPIC}
collection: ${UNIT}
fields:
  id: { column: id, type: long, required: true }
  customer: { column: customer, type: string, length: 8, required: true }
  status: { column: status, type: string, length: 12, required: true }
  amount: { column: amount, type: decimal, precision: 12, scale: 2, required: true }
  tax: { column: tax, type: decimal, precision: 12, scale: 2, required: true }
  pieces: { column: pieces, type: int, required: true }
  orderedOn: { column: ordered_on, type: date, required: true }
  changedAt: { column: changed_at, type: timestamptz, precision: 3, required: true }
  city: { column: city, type: string, length: 40, required: true }
  note: { column: note, type: string, required: true }
`;

const SNAPSHOT_MS = 180_000;

/** Sets the replicator up as an operator does, starts it, and waits until the table is read. */
export async function startReplicator(rig: Rig, sourceUrl: string): Promise<Daemon<AppName>> {
  const { supervisor, servers, brokers, mongoUrl, database } = rig;
  const systems = join(servers.dataDir, 'systems.yaml');
  const plan = join(servers.dataDir, 'orders.yaml');
  const source = new URL(sourceUrl);
  // JSON is YAML; the file holds the password of this run's server.
  await writeFile(systems, JSON.stringify({ systems: { shop: systemOf(rig, source) } }), { mode: 0o600 });
  await writeFile(plan, PLAN);
  const env = {
    FICUS_MONGO_URL: mongoUrl,
    FICUS_MONGO_DATABASE: database,
    FICUS_KAFKA_BROKERS: brokers,
    // Demanded of every app; the replicator has no jobs.
    FICUS_REDIS_URL: 'redis://127.0.0.1:6379',
    FICUS_SYSTEMS: systems,
    FICUS_DIGEST_KEY: 'the key of a benchmark',
  };
  const ficus = (...args: string[]): Promise<string> =>
    run(supervisor, {
      name: `ficus ${args.join(' ')}`,
      command: NODE,
      args: ['--conditions=source', join(REPOSITORY, 'apps/cli/src/main.ts'), ...args],
      env,
    });
  await ficus('migrate');
  await ficus('plan', 'apply', plan);
  await run(supervisor, {
    name: 'npm run build',
    command: 'npm',
    args: ['run', '--silent', 'build'],
    cwd: REPOSITORY,
  });
  const { daemon } = await startApp('replicator', env, { dataDir: servers.dataDir, supervisor });
  const { units } = openControl(rig.documents.client, clock);
  await waitFor(
    'the snapshot',
    async () => {
      const unit = await units.read(UNIT);
      const { snapshot, backlog } = unit?.replication ?? {};
      if (snapshot?.complete !== true || backlog !== 0)
        throw new Error(`${snapshot?.rows ?? 0} rows of ${snapshot?.total ?? 'an unknown number'} are read`);
    },
    { timeoutMs: SNAPSHOT_MS, everyMs: 500 },
  );
  return daemon;
}

function systemOf({ servers }: Rig, source: URL): object {
  const { TEST_CONNECT_URL: connect } = servers.env;
  const [hostname, port] = (servers.env.TEST_POSTGRES_FROM_CONNECT ?? '').split(':');
  return {
    kind: 'postgres',
    url: source.href,
    adminUrl: source.href,
    capture: {
      connect,
      connector: 'shop',
      topicPrefix: 'shop',
      slot: 'ficus_shop',
      publication: 'ficus_shop',
      format: 'json',
      database: {
        hostname,
        port: Number(port),
        user: decodeURIComponent(source.username),
        password: decodeURIComponent(source.password),
        dbname: source.pathname.slice(1),
      },
    },
  };
}
