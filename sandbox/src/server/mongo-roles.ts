import type { MongoClient } from 'mongodb';

export type Privilege = { resource: { db: string; collection: string }; actions: readonly string[] };

/** The databases of one installation of Ficus. */
export type MongoDatabases = { documents: string; control: string };

export const DATABASES: MongoDatabases = { documents: 'estate', control: 'ficus' };

const READ_AND_SHAPE = [
  'changeStream',
  'collMod',
  'collStats',
  'createCollection',
  'createIndex',
  'dbStats',
  'dropIndex',
  'find',
  'insert',
  'listCollections',
  'listIndexes',
  'update',
] as const;

/**
 * What Ficus may do. Documents are never removed (a delete is a tombstone) and no write may bypass a collection's
 * validator, because the validator is the fence between two writers; so neither right is given. Control data may be
 * removed, since leases and records expire, but is validated as well.
 */
export function privilegesOf({ documents, control }: MongoDatabases): Privilege[] {
  return [
    { resource: { db: documents, collection: '' }, actions: READ_AND_SHAPE },
    { resource: { db: control, collection: '' }, actions: [...READ_AND_SHAPE, 'dropCollection', 'remove'] },
  ];
}

/** Creates the role and its user, or brings them up to date. `root` is connected as a user administrator. */
export async function putFicusUser(
  root: MongoClient,
  account: { user: string; password: string; databases?: MongoDatabases },
): Promise<void> {
  const admin = root.db('admin');
  const role = `${account.user}-role`;
  const privileges = privilegesOf(account.databases ?? DATABASES);
  const roles = [{ role, db: 'admin' }];
  const has = async (command: object, field: string) => {
    const found: unknown = (await admin.command(command))[field];
    return Array.isArray(found) && found.length > 0;
  };
  const hasRole = await has({ rolesInfo: role }, 'roles');
  await admin.command({ [hasRole ? 'updateRole' : 'createRole']: role, privileges, roles: [] });
  const hasUser = await has({ usersInfo: account.user }, 'users');
  await admin.command({
    [hasUser ? 'updateUser' : 'createUser']: account.user,
    pwd: account.password,
    roles,
  });
}
