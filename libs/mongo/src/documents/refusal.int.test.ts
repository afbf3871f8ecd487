import type { CreateIndexesOptions, IndexSpecification } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyDocument, type StoredDocument } from '#core/apply';
import type { Content } from '#core/field-type';
import type { Plan } from '#core/plan';
import type { DocumentWrite } from '#core/ports/document-store';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { ordersPlan } from '#testing/orders-plan';
import { aRow, storedOf } from '#testing/stored-documents';
import { ensureCollection } from './schema.ts';
import { MongoDocumentStore } from './store.ts';

/** What becomes of a document that an index refuses, one that Ficus did not make. */

const TERM = 5;

let databases: TestDatabases;
let sut: MongoDocumentStore;
let plan: Plan;
let made = 0;

beforeAll(async () => {
  databases = await openTestDatabases();
  sut = new MongoDocumentStore(databases.documents);
});
afterAll(async () => {
  await databases.close();
});
/** A collection of its own for each test. */
beforeEach(async () => {
  made += 1;
  plan = { ...ordersPlan, collection: `orders_${made}` };
  await ensureCollection(databases.documents, plan, TERM);
});

const key = (number: number) => ['EU', String(number)];
function document(number: number, given: Content = {}, more: Partial<StoredDocument> = {}): StoredDocument {
  const root = { region: 'EU', number: String(number), 'customer.name': 'Ann', amount: '1.50', ...given };
  const content = storedOf(plan, { root, embeds: {} }).root?.content ?? {};
  return { ...emptyDocument(key(number)), root: aRow(content), ...more };
}
const first = (after: StoredDocument): DocumentWrite => ({ before: emptyDocument(after.key), after });
/** Writes over the stored document. */
async function next(after: StoredDocument): Promise<DocumentWrite> {
  const [before] = await sut.load(plan, [after.key]);
  if (before === undefined || before.revision === null) expect.fail('no such document');
  return { before, after: { ...after, revision: before.revision } };
}
async function revision(number: number): Promise<number | null | undefined> {
  return (await sut.load(plan, [key(number)]))[0]?.revision;
}
async function insert(...documents: readonly StoredDocument[]): Promise<void> {
  expect(await sut.save(plan, TERM, documents.map(first))).toEqual({ conflicts: [], rejected: [] });
}
async function index(of: IndexSpecification, options: CreateIndexesOptions = {}): Promise<void> {
  await databases.rogue.collection(plan.collection).createIndex(of, options);
}

describe("somebody's unique index", () => {
  const NOTED: CreateIndexesOptions = {
    unique: true,
    name: 'one note each',
    partialFilterExpression: { note: { $type: 'string' } },
  };

  it('refuses a document with the reason, which names the index and its fields, and no value', async () => {
    await index({ note: 1, 'customer.name': -1 }, NOTED);
    await insert(document(1, { note: 'taken' }), document(2, { note: 'free' }));
    const inserted = first(document(3, { note: 'taken' }));
    const updated = await next(document(2, { note: 'taken' }));
    const neighbour = await next(document(1, { note: 'taken', pieces: 2 }));
    const reason = 'unique index one note each: another document has the same note, customer.name';
    expect(await sut.save(plan, TERM, [inserted, updated, neighbour])).toEqual({
      conflicts: [],
      rejected: [
        { write: inserted, reason },
        { write: updated, reason },
      ],
    });
    expect([await revision(1), await revision(2), await revision(3)]).toEqual([2, 1, null]);
  });

  it('leaves a lost race one, though the loser has the same values as the winner', async () => {
    await index({ note: 1 }, NOTED);
    await insert(document(1, { note: 'taken' }));
    const update = await next(document(1, { note: 'taken', pieces: 2 }));
    expect(await sut.save(plan, TERM, [update])).toEqual({ conflicts: [], rejected: [] });
    expect(await sut.save(plan, TERM, [update])).toEqual({ conflicts: [update], rejected: [] });
    const late = first(document(1, { note: 'taken' }));
    expect(await sut.save(plan, TERM, [late])).toEqual({ conflicts: [late], rejected: [] });
  });

  it.each(['note_1', 'odd dup key: name', 'odd collation: name'])(
    'is named, be it called %s',
    async (name) => {
      for (const collation of [{}, { collation: { locale: 'pl' } }]) {
        await index({ note: 1 }, { ...NOTED, name, ...collation });
        const writes = [1, 2].map((number) => first(document(number, { note: 'secret' })));
        const { rejected } = await sut.save(plan, TERM, writes);
        expect(rejected.map(({ reason }) => reason)).toEqual([
          `unique index ${name}: another document has the same note`,
        ]);
        await databases.rogue.collection(plan.collection).drop();
      }
    },
  );
});

describe("somebody's index", () => {
  interface Case {
    readonly code: number;
    readonly of: IndexSpecification;
    readonly options?: CreateIndexesOptions;
    /** What the index takes, and what it does not. */
    readonly good?: Content;
    readonly bad?: Content;
    readonly reason: RegExp;
  }
  const embeds: StoredDocument['embeds'] = {
    lines: {
      1: aRow({ number: '1', lineNo: 1, article: 'A', price: '2.00' }),
      2: aRow({ lineNo: 2 }, { live: false, digest: null }),
    },
    address: { 4: aRow({ addressId: 4, street: 'Main', city: null }) },
  };
  it.each<Case>([
    { code: 171, of: { 'lines.article': 1, '_m.gone.lines.lineNo': 1 }, reason: /parallel arrays/ },
    { code: 201, of: { note: 'text', '_m.gone.lines': 1 }, reason: /text index contains an array/ },
    { code: 13_026, of: { address: '2d' }, reason: /'legacy coordinate pairs'/ },
    { code: 16_755, of: { note: '2dsphere' }, bad: { note: 'secret' }, reason: /Can't extract geo keys/ },
    { code: 16_766, of: { '_m.gone.lines': 'hashed' }, reason: /do not currently support array values/ },
    { code: 16_804, of: { 'address._m': '2d' }, reason: /location object expected/ },
    {
      code: 17_261,
      of: { 'customer.name': 'text' },
      options: { language_override: 'note' },
      good: { note: 'none' },
      reason: /language override field in document with non-string type/,
    },
    {
      code: 17_262,
      of: { 'customer.name': 'text' },
      options: { language_override: 'note' },
      good: { note: 'none' },
      bad: { note: 'Elvish' },
      reason: /language override unsupported/,
    },
  ])('refuses what it cannot take, and no more ($code)', async ({ code, of, options, good, bad, reason }) => {
    await insert(document(1, good), document(2, good));
    await index(of, options);
    const writes = [first(document(3, bad, { embeds })), await next(document(1, bad, { embeds }))];
    const neighbour = await next(document(2, good));
    const { conflicts, rejected } = await sut.save(plan, TERM, [...writes, neighbour]);
    expect(conflicts).toEqual([]);
    expect(rejected.map(({ write }) => write)).toEqual(writes);
    for (const refusal of rejected) {
      expect(refusal.reason).toMatch(reason);
      expect(refusal.reason).toContain(`(${code})`);
      expect(refusal.reason).not.toMatch(/secret|Main|\{/);
    }
    expect([await revision(1), await revision(2), await revision(3)]).toEqual([1, 2, null]);
  });
});
