import fc from 'fast-check';
import type { Document } from 'mongodb';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { emptyDocument, type StoredDocument } from '#core/apply';
import type { Content } from '#core/field-type';
import type { Plan } from '#core/plan';
import { renderDocument } from '#core/render';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { ordersPlan } from '#testing/orders-plan';
import { aField } from '#testing/plans';
import { documentOf } from '#testing/random-documents';
import { aRow, storedOf } from '#testing/stored-documents';
import { ensureCollection } from './schema.ts';
import { MongoDocumentStore } from './store.ts';

const TERM = 5;
const MIB = 1024 * 1024;

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

const root = (number: number, given: Content = {}): Content =>
  storedOf(plan, {
    root: { region: 'EU', number: String(number), 'customer.name': 'Ann', amount: '1.50', ...given },
    embeds: {},
  }).root?.content ?? {};
const key = (number: number) => ['EU', String(number)];
const document = (number: number, given: Partial<StoredDocument> = {}): StoredDocument => ({
  ...emptyDocument(key(number)),
  root: aRow(root(number)),
  ...given,
});
const line = (lineNo: number): Content => ({ number: '1', lineNo, article: 'A', price: '2.00' });
const address = (addressId: number): Content => ({ addressId, street: 'Main', city: null });

async function load(number: number): Promise<StoredDocument> {
  const [found] = await sut.load(plan, [key(number)]);
  return found ?? expect.fail('load answered nothing');
}
async function insert(...documents: readonly StoredDocument[]): Promise<void> {
  const writes = documents.map((after) => ({ before: emptyDocument(after.key), after }));
  expect(await sut.save(plan, TERM, writes)).toEqual({ conflicts: [], rejected: [] });
}
function raw(number: number): Promise<Document | null> {
  return databases.rogue
    .collection<Document>(plan.collection)
    .findOne({ number: { $eq: number } }, { promoteLongs: true });
}

describe('a document', () => {
  it('comes back as it was written, whatever its values', async () => {
    const documents = await fc.sample(documentOf(plan), { numRuns: 150, seed: made });
    const stored = new Map(
      documents.map((one) => storedOf(plan, one)).map((one) => [JSON.stringify(one.key), one]),
    );
    await insert(...stored.values());
    const keys = [...stored.values()].map((one) => one.key);
    const loaded = await sut.load(plan, keys);
    expect(loaded).toEqual([...stored.values()].map((one) => ({ ...one, revision: 1 })));
    for (const one of documents.filter(({ root: own }) =>
      stored.has(JSON.stringify([own.region, own.number])),
    )) {
      const found = await sut.readOne(plan, [one.root.region ?? null, one.root.number ?? null]);
      expect(found).not.toBeNull();
    }
  });

  it('is rendered alike before and after', async () => {
    await fc.assert(
      fc.asyncProperty(documentOf(plan), async (given) => {
        const own = storedOf(plan, given);
        const [before = emptyDocument(own.key)] = await sut.load(plan, [own.key]);
        await sut.save(plan, TERM, [{ before, after: { ...own, revision: before.revision } }]);
        const found = await sut.readOne(plan, own.key);
        expect(JSON.stringify(found && renderDocument(plan, found))).toBe(
          JSON.stringify(renderDocument(plan, given)),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('lies in the types that the table of field-type.ts says', async () => {
    const given: Content = {
      'customer.vip': true,
      pieces: 5,
      weight: 2,
      ratio: 0.1,
      orderedOn: '2024-02-29',
      opensAt: '08:00:00',
      storedAt: '2024-02-29T12:34:56.789',
      changedAt: '2024-02-29T12:34:56.123456Z',
      token: '123e4567-e89b-12d3-a456-426614174000',
      picture: 'AP8=',
      extra: '{"b":1}',
      note: 'ü',
      rowVersion: '7',
    };
    await insert(document(1, { root: aRow(root(1, given)), embeds: { lines: { 1: aRow(line(1)) } } }));
    const paths = [
      ...plan.root.fields.map((field) => field.path),
      'lines.lineNo',
      '_m.n',
      '_m.t',
      '_m.e',
      '_m.s',
      '_m.o.n',
      '_m.live',
      '_m.at',
    ];
    const project = Object.fromEntries(
      paths.map((path) => [
        path.replaceAll('.', '_'),
        { $type: path.startsWith('lines') ? { $first: `$${path}` } : `$${path}` },
      ]),
    );
    const committed = document(2, { committedAt: 1_000 });
    await insert(committed);
    const [types] = await databases.rogue
      .collection(plan.collection)
      .aggregate([{ $match: { number: 1 } }, { $project: { _id: { $type: '$_id' }, ...project } }])
      .toArray();
    expect(types).toEqual({
      _id: 'object',
      region: 'string',
      number: 'long',
      customer_name: 'string',
      customer_vip: 'bool',
      amount: 'decimal',
      pieces: 'int',
      weight: 'double',
      ratio: 'double',
      orderedOn: 'date',
      opensAt: 'string',
      storedAt: 'date',
      changedAt: 'string',
      token: 'string',
      picture: 'binData',
      extra: 'string',
      note: 'string',
      rowVersion: 'long',
      lines_lineNo: 'int',
      _m_n: 'int',
      _m_t: 'int',
      _m_e: 'int',
      _m_s: 'long',
      _m_o_n: 'long',
      _m_live: 'bool',
      _m_at: 'missing',
    });
    expect((await load(2)).committedAt).toBe(1_000);
  });

  it('keeps versions of either type, tombstones, gaps and unknown columns', async () => {
    const version = { epoch: 7, streamed: '0a/01', written: '0a/02', snapshot: 3n, log: null, counter: 9n };
    const own = document(1, {
      root: aRow(root(1), { version, unmapped: { new_column: ['9007199254740993', null] } }),
      embeds: {
        lines: {
          1: aRow({ number: null, lineNo: 1, article: 'A', price: null }, { unmapped: { x: 1 } }),
          2: aRow({ lineNo: 2 }, { live: false, digest: null }),
        },
        address: { 4: aRow({ addressId: 4 }, { live: false, digest: null }) },
      },
    });
    await insert(own);
    expect(await load(1)).toEqual({ ...own, revision: 1 });
    const { note: _, ...known } = root(2);
    const incomplete = document(2, {
      root: aRow(known, { incomplete: ['note'], digest: null }),
      embeds: { lines: {}, address: {} },
    });
    await insert(incomplete);
    expect(await load(2)).toEqual({ ...incomplete, revision: 1 });
    expect(await sut.readOne(plan, key(2))).toMatchObject({ incomplete: true });
    expect(await sut.unsound(plan, 10)).toEqual([key(2)]);
    const sure = [key(1), key(2), null].map((one) => sut.isUnsure(plan, one));
    expect(await Promise.all(sure)).toEqual([false, true, true]);
  });
});

describe('save', () => {
  it('does not take a field for null that the plan has had only since', async () => {
    await insert(document(3));
    const later: Plan = {
      ...plan,
      root: { ...plan.root, fields: [...plan.root.fields, aField('later.found', { kind: 'int' })] },
    };
    const [found] = await sut.load(later, [key(3)]);
    expect(found?.root).toMatchObject({ incomplete: ['later.found'], digest: null });
    expect(found?.root?.content).not.toHaveProperty(['later.found']);
  });

  it('lets one of two first writers win, and the other decide again', async () => {
    const writes = [{ before: emptyDocument(key(1)), after: document(1) }];
    expect((await sut.save(plan, TERM, writes)).conflicts).toEqual([]);
    expect(await sut.save(plan, TERM, writes)).toEqual({ conflicts: writes, rejected: [] });
    expect((await load(1)).revision).toBe(1);
  });

  it('writes only on the revision that was decided on', async () => {
    await insert(document(1), document(2));
    const [first, second] = await sut.load(plan, [key(1), key(2)]);
    if (first === undefined || second === undefined) expect.fail('two documents');
    const after = { ...first, root: aRow(root(1, { note: 'new' })) };
    expect((await sut.save(plan, TERM, [{ before: first, after }])).conflicts).toEqual([]);
    const late = { before: first, after: { ...first, root: aRow(root(1, { note: 'late' })) } };
    const other = { before: second, after: { ...second, root: aRow(root(2, { note: 'other' })) } };
    expect(await sut.save(plan, TERM, [late, other])).toEqual({ conflicts: [late], rejected: [] });
    expect((await load(1)).root?.content.note).toBe('new');
    expect(await load(2)).toMatchObject({ revision: 2, root: { content: { note: 'other' } } });
  });

  it('is refused by the fence, document by document', async () => {
    const writes = [1, 2].map((number) => ({ before: emptyDocument(key(number)), after: document(number) }));
    const { conflicts, rejected } = await sut.save(plan, TERM - 1, writes);
    expect(conflicts).toEqual([]);
    expect(rejected.map(({ write }) => write)).toEqual(writes);
    expect(rejected[0]?.reason).toMatch(/validation/);
    expect((await load(1)).revision).toBeNull();
    await insert(document(1));
    const before = await load(1);
    const stale = await sut.save(plan, TERM - 1, [{ before, after: before }]);
    expect(stale.rejected).toHaveLength(1);
    expect((await load(1)).revision).toBe(1);
  });

  it("is refused by the plan's schema, without harm to its neighbours", async () => {
    const broken = {
      ...plan,
      root: {
        ...plan.root,
        fields: plan.root.fields.map((field) =>
          field.path === 'pieces'
            ? { ...field, type: { kind: 'string', trim: false, length: null } as const }
            : field,
        ),
      },
    };
    const writes = [document(1, { root: aRow(root(1, { pieces: 'many' })) }), document(2)].map((after) => ({
      before: emptyDocument(after.key),
      after,
    }));
    const { rejected } = await sut.save(broken, TERM, writes);
    expect(rejected.map(({ write }) => write)).toEqual([writes[0]]);
    expect((await load(2)).revision).toBe(1);
  });

  it('gives way on a value that somebody else put where an object must be', async () => {
    await insert(document(1), document(2));
    await databases.rogue
      .collection<Document>(plan.collection)
      .updateOne({ number: 1 }, { $set: { customer: null } }, { bypassDocumentValidation: true });
    const loaded = await sut.load(plan, [key(1), key(2)]);
    const { conflicts, rejected } = await sut.save(
      plan,
      TERM,
      loaded.map((before) => ({ before, after: before })),
    );
    expect(conflicts).toEqual([]);
    expect(rejected.map(({ write }) => write.before.key)).toEqual([key(1)]);
    expect((await load(2)).revision).toBe(2);
  });

  it('takes over a document that somebody else put there, and leaves members that are not its own', async () => {
    await insert(document(2));
    await databases.rogue
      .collection<Document>(plan.collection)
      .updateOne(
        { number: 2 },
        { $unset: { _m: '' }, $set: { foreign: 'kept' } },
        { bypassDocumentValidation: true },
      );
    const before = await load(2);
    expect(before).toMatchObject({ revision: 0, root: null });
    expect(await sut.readOne(plan, key(2))).toBeNull();
    expect(await sut.save(plan, TERM, [{ before, after: { ...before, root: aRow(root(2)) } }])).toEqual({
      conflicts: [],
      rejected: [],
    });
    expect(await raw(2)).toMatchObject({ foreign: 'kept', _m: { n: 1 } });
  });

  it('takes a batch that is larger than a command can be', async () => {
    const note = 'x'.repeat(MIB);
    const documents = Array.from({ length: 55 }, (_, number) =>
      document(number, { root: aRow(root(number, { note })) }),
    );
    await insert(...documents);
    const loaded = await sut.load(
      plan,
      documents.map((one) => one.key),
    );
    expect(
      await sut.save(
        plan,
        TERM,
        loaded.map((before) => ({ before, after: before })),
      ),
    ).toEqual({ conflicts: [], rejected: [] });
    expect((await load(54)).revision).toBe(2);
  });

  it('puts aside the one document that is too large, as an insert and as an update', async () => {
    const huge = aRow(root(1, { note: 'x'.repeat(16 * MIB) }));
    const writes = [document(1, { root: huge }), document(2)].map((after) => ({
      before: emptyDocument(after.key),
      after,
    }));
    const first = await sut.save(plan, TERM, writes);
    expect(first.conflicts).toEqual([]);
    expect(first.rejected).toEqual([{ write: writes[0], reason: expect.stringMatching(/too large|bytes/) }]);
    await insert(document(1));
    const [one, two] = await sut.load(plan, [key(1), key(2)]);
    if (one === undefined || two === undefined) expect.fail('two documents');
    const second = await sut.save(plan, TERM, [
      { before: one, after: { ...one, root: huge } },
      { before: two, after: two },
    ]);
    expect(second.rejected).toHaveLength(1);
    expect((await load(2)).revision).toBe(2);
  });
});

describe('readers', () => {
  it('see no parent whose row has not come, and then its children with it', async () => {
    const early = { ...emptyDocument(key(1)), embeds: { lines: { 2: aRow(line(2)) } } };
    await insert(early);
    expect(await sut.readOne(plan, key(1))).toBeNull();
    expect(await sut.count(plan)).toBe(0);
    const before = await load(1);
    expect(before.root).toBeNull();
    await sut.save(plan, TERM, [{ before, after: { ...before, root: aRow(root(1)) } }]);
    expect((await sut.readOne(plan, key(1)))?.embeds).toEqual({ lines: [line(2)], address: [] });
    expect(await sut.count(plan)).toBe(1);
  });

  it('see no tombstone, and the row again when it comes back', async () => {
    const gone = document(1, { root: aRow({ region: 'EU', number: '1' }, { live: false, digest: null }) });
    await insert(
      gone,
      document(2, {
        embeds: { lines: { 1: aRow({ lineNo: 1 }, { live: false, digest: null }), 3: aRow(line(3)) } },
      }),
    );
    expect(await sut.readOne(plan, key(1))).toBeNull();
    expect((await sut.readMany(plan, [key(1), key(2), key(3)])).map((one) => one.root.number)).toEqual(['2']);
    expect((await sut.readOne(plan, key(2)))?.embeds.lines).toEqual([line(3)]);
    const before = await load(1);
    expect(before.root).toEqual(gone.root);
    await sut.save(plan, TERM, [{ before, after: { ...before, root: aRow(root(1)) } }]);
    expect((await sut.readOne(plan, key(1)))?.root['customer.name']).toBe('Ann');
  });

  it('see embedded rows in the order of their keys, as numbers', async () => {
    await insert(document(1, { embeds: { lines: { 10: aRow(line(10)), 9: aRow(line(9)) } } }));
    expect((await sut.readOne(plan, key(1)))?.embeds.lines?.map((row) => row.lineNo)).toEqual([9, 10]);
  });

  it('see one sub-document; a second row waits behind it and comes forth when the first goes', async () => {
    await insert(document(1, { embeds: { address: { 2: aRow(address(2)), 1: aRow(address(1)) } } }));
    expect((await sut.readOne(plan, key(1)))?.embeds.address).toEqual([address(1)]);
    const before = await load(1);
    expect(Object.keys(before.embeds.address ?? {}).sort()).toEqual(['1', '2']);
    const tombstone = aRow({ addressId: 1 }, { live: false, digest: null });
    await sut.save(plan, TERM, [
      { before, after: { ...before, embeds: { address: { ...before.embeds.address, 1: tombstone } } } },
    ]);
    expect((await sut.readOne(plan, key(1)))?.embeds.address).toEqual([address(2)]);
  });
});
