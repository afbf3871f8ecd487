import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoClient, MongoServerError } from 'mongodb';
import { savedPort } from '../ports.ts';
import { Daemon } from './daemon.ts';
import { putFicusUser } from './mongo-roles.ts';
import type { Running, ServerContext, ServerKind } from './running.ts';
import { savedSecret } from './secret.ts';

const REPLICA_SET = 'rs0';
const ROOT = 'root';
const FICUS = 'ficus';

export const mongo: ServerKind = { name: 'mongo', needs: ['mongo'], uses: [], start };

/** A replica set of one member, since transactions and change streams need one, with authentication from the start. */
async function start(context: ServerContext): Promise<Running> {
  const file = (name: string) => join(context.dataDir, name);
  const rootPassword = await savedSecret(file('root-password'));
  const password = await savedSecret(file('password'));
  await savedSecret(file('replica-set-key'));
  await mkdir(file('data'), { recursive: true });
  const port = await savedPort(file('port'));
  const address = `127.0.0.1:${port}`;
  const url = (user: string, secret: string) =>
    `mongodb://${user}:${secret}@${address}/?replicaSet=${REPLICA_SET}&authSource=admin`;
  const rootUrl = url(ROOT, rootPassword);
  const daemon = new Daemon(
    {
      name: 'mongo',
      env: { TEST_MONGO_URL: url(FICUS, password), TEST_MONGO_ROOT_URL: rootUrl },
      process: {
        command: context.components.path('mongo', 'fiftyone', 'db', 'bin', 'mongod'),
        args: [
          ...['--port', `${port}`, '--bind_ip', '127.0.0.1', '--dbpath', file('data'), '--nounixsocket'],
          ...['--replSet', REPLICA_SET, '--keyFile', file('replica-set-key'), '--auth'],
          // Without the bound it takes half of the machine's memory for its cache.
          ...[
            '--wiredTigerCacheSizeGB',
            '0.5',
            '--oplogSize',
            '512',
            '--setParameter',
            'diagnosticDataCollectionEnabled=false',
          ],
        ],
        logFile: file('mongod.log'),
      },
      health: () => isPrimary(address),
    },
    context.supervisor,
  );
  await daemon.restart();
  await putRoot(address, rootPassword);
  await using root = await MongoClient.connect(rootUrl);
  await putFicusUser(root, { user: FICUS, password });
  return daemon;
}

/** Healthy means writable. A member that belongs to no replica set yet is given one on the way. */
async function isPrimary(address: string): Promise<void> {
  await using client = direct(address);
  const hello = await client.db('admin').command({ hello: 1 });
  if (hello.isWritablePrimary === true) return;
  if (hello.isreplicaset === true) {
    const members = [{ _id: 0, host: address }];
    await client.db('admin').command({ replSetInitiate: { _id: REPLICA_SET, members } });
  }
  throw new Error('mongod is no primary yet');
}

/** The first user is made without authentication: the server allows that once, from its own machine. */
async function putRoot(address: string, password: string): Promise<void> {
  await using client = direct(address);
  try {
    await client.db('admin').command({ createUser: ROOT, pwd: password, roles: ['root'] });
  } catch (error) {
    // Unauthorized: the user is there from an earlier run on the same data.
    if (!(error instanceof MongoServerError && error.code === 13)) throw error;
  }
}

function direct(address: string): MongoClient {
  return new MongoClient(`mongodb://${address}/`, {
    directConnection: true,
    serverSelectionTimeoutMS: 2_000,
  });
}
