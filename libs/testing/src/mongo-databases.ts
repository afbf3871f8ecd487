import { randomBytes } from 'node:crypto';
import { type Db, MongoClient } from 'mongodb';
import { openMongo } from '#mongo/connection';
import { putFicusUser } from '../../../sandbox/src/server/mongo-roles.ts';
import { addressOf } from './address.ts';

/** Databases of one test file, reached by a user with exactly the rights that Ficus has in production. */
export interface TestDatabases {
  readonly url: string;
  readonly client: MongoClient;
  readonly control: Db;
  readonly documents: Db;
  /** The same documents with an administrator's rights: to do what a rogue would. */
  readonly rogue: Db;
  /** Drops them and closes the clients. */
  close(): Promise<void>;
}

/** Makes two databases with random names and their user. Needs TEST_MONGO_ROOT_URL. */
export async function openTestDatabases(): Promise<TestDatabases> {
  const address = addressOf('TEST_MONGO_ROOT_URL');
  const root = new MongoClient(address);
  const name = `test_${randomBytes(6).toString('hex')}`;
  const names = { documents: `${name}_documents`, control: `${name}_control` };
  await putFicusUser(root, { user: name, password: name, databases: names });
  const url = new URL(address);
  url.username = name;
  url.password = name;
  const client = openMongo(url.href, name);
  return {
    url: url.href,
    client,
    control: client.db(names.control),
    documents: client.db(names.documents),
    rogue: root.db(names.documents),
    async close() {
      await client.close();
      for (const database of Object.values(names)) await root.db(database).dropDatabase();
      await root.db('admin').command({ dropUser: name });
      await root.db('admin').command({ dropRole: `${name}-role` });
      await root.close();
    },
  };
}
