import { chown, cp, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { savedPort } from '../ports.ts';
import { run } from '../process/run.ts';
import { exists } from '../provision/landing.ts';
import { type Account, closedFolder, unprivilegedAccount } from './account.ts';
import { Daemon } from './daemon.ts';
import type { Running, ServerContext, ServerKind } from './running.ts';
import { savedSecret } from './secret.ts';

const SUPERUSER = 'postgres';

/** What Debezium needs, and a small footprint. */
const SETTINGS = {
  wal_level: 'logical',
  max_replication_slots: '16',
  max_wal_senders: '16',
  max_connections: '200',
  shared_buffers: '128MB',
  max_wal_size: '1GB',
  timezone: 'UTC',
  log_timezone: 'UTC',
  password_encryption: 'scram-sha-256',
  wal_sender_timeout: '30s',
} as const;

/** A bound on what a forgotten slot may hold back; in the cluster's own file, where ALTER SYSTEM can change it. */
const SLOT_LIMIT = 'max_slot_wal_keep_size=1GB';

export const postgres: ServerKind = { name: 'postgres', needs: ['postgres'], uses: [], start };

async function start(context: ServerContext): Promise<Running> {
  const account = await unprivilegedAccount();
  const data = join(context.dataDir, 'data');
  const password = await savedSecret(join(context.dataDir, 'password'));
  if (account !== undefined) await giveTo(account, context.dataDir);
  const native = await readableBinaries(context, account);
  const identity = account === undefined ? {} : { uid: account.uid, gid: account.gid };
  if (!(await exists(join(data, 'PG_VERSION')))) await initialise(context, native, data, identity);
  const port = await savedPort(join(context.dataDir, 'port'));
  const url = `postgres://${SUPERUSER}:${password}@127.0.0.1:${port}/postgres`;
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const daemon = new Daemon(
    {
      name: 'postgres',
      env: { TEST_POSTGRES_URL: url, TEST_POSTGRES_FROM_CONNECT: `127.0.0.1:${port}` },
      process: {
        command: join(native, 'bin', 'postgres'),
        args: ['-D', data, '-p', `${port}`, '-h', '127.0.0.1', '-k', '', ...settings],
        cwd: context.dataDir,
        logFile: join(context.dataDir, 'postgres.log'),
        // SIGTERM would wait for the clients to go.
        stopSignal: 'SIGINT',
        ...identity,
      },
      health: () => answers(url),
    },
    context.supervisor,
  );
  await daemon.restart();
  return daemon;
}

async function answers(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  // A connection that breaks while it is being closed is nobody's news.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query('SELECT 1');
  } finally {
    await client.end();
  }
}

async function initialise(
  context: ServerContext,
  native: string,
  data: string,
  identity: object,
): Promise<void> {
  await rm(data, { recursive: true, force: true });
  await run(context.supervisor, {
    name: 'initdb',
    command: join(native, 'bin', 'initdb'),
    args: [
      ...[
        '-D',
        data,
        '-U',
        SUPERUSER,
        '--pwfile',
        join(context.dataDir, 'password'),
        '--auth',
        'scram-sha-256',
      ],
      // The C locale orders text by code point; a cluster that is never the last copy need not wait for the disk.
      ...['--encoding', 'UTF8', '--locale', 'C', '--no-sync', '-c', SLOT_LIMIT],
    ],
    cwd: context.dataDir,
    ...identity,
  });
}

async function giveTo(account: Account, folder: string): Promise<void> {
  const closed = await closedFolder(account, dirname(folder));
  if (closed !== undefined)
    throw new Error(
      `PostgreSQL runs as ${account.name}, who cannot enter ${closed}: choose another data folder`,
    );
  await chown(folder, account.uid, account.gid);
  await chown(join(folder, 'password'), account.uid, account.gid);
}

/** The installed binaries, or a copy in the data folder when the checkout lies below a folder closed to the account. */
async function readableBinaries(context: ServerContext, account: Account | undefined): Promise<string> {
  const installed = context.components.path('postgres');
  if (account === undefined || (await closedFolder(account, installed)) === undefined) return installed;
  const copy = join(context.dataDir, 'binaries');
  if (await exists(copy)) return copy;
  context.step.update('copying PostgreSQL out of a closed folder');
  await cp(installed, copy, { recursive: true, verbatimSymlinks: true });
  return copy;
}
