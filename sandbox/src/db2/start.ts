import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { savedPort } from '../ports.ts';
import { driverEnv } from '../provision/addon.ts';
import { Daemon } from '../server/daemon.ts';
import type { Running, ServerContext, ServerKind } from '../server/running.ts';
import type { HostSettings } from './host.ts';

const HOST = fileURLToPath(new URL('./host.ts', import.meta.url));
const DATABASE = 'PLANT';
/** `ficus` for Ficus and the capture, `batch` for the programs that write beside them. */
const USERS = { ficus: 'ficus-db2', batch: 'batch-db2' };

/**
 * A STAND-IN for Db2 and for the capture of its changes, reached by IBM's real driver: Apache Derby behind a shim
 * (drda.ts), and a capture that writes what Debezium's Db2 connector writes (capture/). Which of Ficus's Db2 paths
 * were run against it and which against IBM's server, the README says.
 */
export const db2: ServerKind = {
  name: 'db2',
  needs: ['java', 'jars', 'db2driver', 'ibmdb'],
  uses: ['kafka'],
  start,
};

export function connectionString(port: number, user: keyof typeof USERS): string {
  return `DATABASE=${DATABASE};HOSTNAME=127.0.0.1;PORT=${port};UID=${user};PWD=${USERS[user]};PROTOCOL=TCPIP;AUTHENTICATION=SERVER`;
}

async function start(context: ServerContext): Promise<Running> {
  const { components, dataDir } = context;
  const { TEST_KAFKA_BROKERS: brokers = '' } = await context.envOf('kafka');
  const ports = {
    db2: await savedPort(join(dataDir, 'port')),
    derby: await savedPort(join(dataDir, 'derby-port')),
    connect: await savedPort(join(dataDir, 'connect-port')),
  };
  await mkdir(join(dataDir, 'derby'), { recursive: true });
  await mkdir(join(dataDir, 'capture'), { recursive: true });
  const url = connectionString(ports.db2, 'ficus');
  const settings: HostSettings = {
    ...{ java: components.java, classPath: components.classPath('derby'), dataDir, database: DATABASE },
    ...{ users: USERS, owner: 'ficus', ports, url, brokers },
  };
  const driver = driverEnv(components.path('db2driver'));
  const rest = `http://127.0.0.1:${ports.connect}`;
  const daemon = new Daemon(
    {
      name: 'db2',
      env: {
        TEST_DB2_URL: url,
        TEST_DB2_BATCH_URL: connectionString(ports.db2, 'batch'),
        TEST_DB2_CONNECT_URL: rest,
        ...driver,
      },
      process: {
        command: process.execPath,
        args: ['--conditions=source', HOST, JSON.stringify(settings)],
        env: { ...driver, UV_THREADPOOL_SIZE: '8' },
        cwd: dataDir,
        logFile: join(dataDir, 'db2.log'),
      },
      health: async () => {
        await listens(ports.db2);
        await isReady(rest);
      },
      timeoutMs: 120_000,
    },
    context.supervisor,
  );
  await daemon.restart();
  return daemon;
}

async function listens(port: number): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port });
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

/** The capture answers once it has a session with the database, so this proves the way through shim and driver. */
async function isReady(rest: string): Promise<void> {
  const answer = await fetch(`${rest}/connectors`, { signal: AbortSignal.timeout(3_000) });
  if (!answer.ok) throw new Error(`the capture answered ${answer.status}: ${await answer.text()}`);
}
