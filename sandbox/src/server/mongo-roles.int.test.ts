import { randomUUID } from 'node:crypto';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { testAddress } from '../address.ts';
import { DATABASES } from './mongo-roles.ts';

const NOT_AUTHORISED = 13;
const VALIDATION_FAILED = 121;

let ficus: MongoClient;
let root: MongoClient;
const name = `roles_${randomUUID().replaceAll('-', '')}`;

beforeAll(async () => {
  ficus = await MongoClient.connect(testAddress('TEST_MONGO_URL'));
  root = await MongoClient.connect(testAddress('TEST_MONGO_ROOT_URL'));
  const validator = { $jsonSchema: { required: ['name'] } };
  await ficus.db(DATABASES.documents).createCollection(name, { validator });
});

afterAll(async () => {
  await root.db(DATABASES.documents).dropCollection(name);
  await root.db(DATABASES.control).dropCollection(name);
  await ficus.close();
  await root.close();
});

const documents = () => ficus.db(DATABASES.documents).collection(name);
const control = () => ficus.db(DATABASES.control).collection(name);

type Case = { title: string; act: () => Promise<unknown> };

const allowed: Case[] = [
  { title: 'insert', act: () => documents().insertOne({ name: 'one' }) },
  {
    title: 'update',
    act: () => documents().updateOne({ name: 'one' }, { $set: { seen: true } }, { upsert: true }),
  },
  { title: 'find', act: () => documents().findOne({}) },
  { title: 'index', act: () => documents().createIndex({ name: 1 }) },
  { title: 'list indexes', act: () => documents().indexes() },
  { title: 'drop an index', act: () => documents().dropIndex('name_1') },
  { title: 'list collections', act: () => ficus.db(DATABASES.documents).listCollections().toArray() },
  {
    title: 'change the validator',
    act: () => ficus.db(DATABASES.documents).command({ collMod: name, validationLevel: 'strict' }),
  },
  {
    title: 'write in a transaction over both databases',
    act: () =>
      ficus.withSession((session) =>
        session.withTransaction(async () => {
          await documents().insertOne({ name: 'two' }, { session });
          await control().insertOne({ name: 'two' }, { session });
        }),
      ),
  },
  {
    title: 'watch',
    act: async () => {
      await using stream = documents().watch();
      await stream.tryNext();
    },
  },
  { title: 'remove control data', act: () => control().deleteMany({}) },
];

test.each(allowed)('may $title', async ({ act }) => {
  await act();
});

const refused: Case[] = [
  { title: 'remove one', act: () => documents().deleteOne({}) },
  { title: 'remove many', act: () => documents().deleteMany({}) },
  { title: 'find and remove', act: () => documents().findOneAndDelete({}) },
  { title: 'drop the collection', act: () => documents().drop() },
  { title: 'drop the database', act: () => ficus.db(DATABASES.documents).dropDatabase() },
  {
    title: 'insert past the validator',
    act: () => documents().insertOne({}, { bypassDocumentValidation: true }),
  },
  {
    title: 'update past the validator',
    act: () => documents().updateOne({}, { $unset: { name: 1 } }, { bypassDocumentValidation: true }),
  },
  {
    title: 'pass the validator of control data',
    act: () => control().insertOne({}, { bypassDocumentValidation: true }),
  },
  { title: 'read the users', act: () => ficus.db('admin').collection('system.users').findOne({}) },
  { title: 'read another database', act: () => ficus.db('elsewhere').collection('x').findOne({}) },
];

test.each(refused)('may not $title', async ({ act }) => {
  await expect(act()).rejects.toMatchObject({ code: NOT_AUTHORISED });
});

test('a write that the validator refuses is refused', async () => {
  await expect(documents().insertOne({})).rejects.toMatchObject({ code: VALIDATION_FAILED });
});
