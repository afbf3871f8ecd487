import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyDocument } from '#core/apply';
import { keyFields } from '#core/plan';
import { keyOf } from '#core/render';
import { everyDocuments, everyPlan, expectLists } from '#testing/every-plan';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { storedOf } from '#testing/stored-documents';
import { ensureCollection } from './schema.ts';
import { MongoDocumentStore } from './store.ts';

describe('MongoDB', () => {
  let databases: TestDatabases;
  let sut: MongoDocumentStore;

  beforeAll(async () => {
    databases = await openTestDatabases();
    sut = new MongoDocumentStore(databases.documents);
    await ensureCollection(databases.documents, everyPlan, 1);
    const writes = everyDocuments.map((one) => {
      const after = storedOf(everyPlan, one);
      return { before: emptyDocument(after.key), after };
    });
    expect(await sut.save(everyPlan, 1, writes)).toEqual({ conflicts: [], rejected: [] });
  });

  afterAll(async () => {
    await databases.close();
  });

  it('holds every type exactly, under its own schema', async () => {
    for (const one of everyDocuments)
      expect(await sut.readOne(everyPlan, keyOf(keyFields(everyPlan.root), one.root))).toEqual(one);
  });

  it('lists by every type as core compares', async () => {
    await expectLists((query) => sut.list(everyPlan, query), 400);
  });
});
