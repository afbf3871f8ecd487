import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { StoredDocument, StoredRow } from '#core/apply';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import type { Phase } from '#core/phase';
import type { Plan } from '#core/plan';
import type { LegacyStore } from '#core/ports/legacy-store';
import type { Unit } from '#core/unit-state';
import { PostgresStore } from '#legacy/postgres/store';
import { ensureCollection } from '#mongo/documents/schema';
import { MongoDocumentStore } from '#mongo/documents/store';
import { keyedDigest } from '#observability/digest';
import { AN_ORDER } from '#testing/an-order';
import { HandClock } from '#testing/hand-clock';
import { openTestDatabases, type TestDatabases } from '#testing/mongo-databases';
import { ordersPlan } from '#testing/orders-plan';
import { ORDERS_SQL } from '#testing/orders-postgres';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { storedOf } from '#testing/stored-documents';
import { Mender } from './mender.ts';

let postgres: ScratchDatabase;
let mongo: TestDatabases;
let legacy: PostgresStore;
let documents: MongoDocumentStore;
let plan: Plan;
let clock: HandClock;
let sut: Mender;

const key: DocumentKey = ['EU', '7'];
const digest = keyedDigest('0123456789abcdef');

beforeAll(async () => {
  [postgres, mongo] = await Promise.all([scratchDatabase(), openTestDatabases()]);
  await postgres.sql(ORDERS_SQL);
  legacy = new PostgresStore('shop', { url: postgres.url, slot: 'none' });
  documents = new MongoDocumentStore(mongo.documents);
});
afterAll(async () => {
  await legacy.close();
  await Promise.all([mongo.close(), postgres.drop()]);
});
beforeEach(async () => {
  await legacy.write(ordersPlan, { kind: 'delete', key });
  plan = { ...ordersPlan, collection: `orders_${randomUUID()}` };
  await ensureCollection(mongo.documents, plan, 1);
  clock = new HandClock();
  sut = mender();
});

function mender(source: Pick<LegacyStore, 'readMarked'> = legacy): Mender {
  return new Mender({ legacy: source as LegacyStore, documents, digest, clock });
}

function unitIn(phase: Phase): Unit {
  const state = {
    unit: plan.unit,
    phase,
    epoch: 1,
    term: 1,
    revision: 1,
    since: clock.iso(),
    transition: null,
  };
  return { plan, planVersion: 1, snapshotWanted: [], replaced: 0, state, replication: null };
}

async function store(document: StoredDocument): Promise<void> {
  const { conflicts, rejected } = await documents.save(plan, 1, [{ before: await load(), after: document }]);
  expect([conflicts, rejected]).toEqual([[], []]);
}

async function load(): Promise<StoredDocument> {
  const [found] = await documents.load(plan, [key]);
  return found ?? expect.fail('no document');
}

/** The order as it would be stored, with its root changed. */
function order(root: Partial<StoredRow>, of: CanonicalDocument = AN_ORDER): StoredDocument {
  const whole = storedOf(plan, of);
  return { ...whole, root: whole.root === null ? null : { ...whole.root, ...root } };
}

function without(path: string): Partial<StoredRow> {
  const { [path]: _gone, ...content } = storedOf(plan, AN_ORDER).root?.content ?? {};
  return { content, incomplete: [path], digest: null };
}

describe('a round', () => {
  it('completes a row that no event has told whole, and leaves its version and its neighbours alone', async () => {
    await legacy.write(plan, { kind: 'insert', document: AN_ORDER });
    const before = order(without('note'));
    await store(before);
    expect(await documents.readOne(plan, key)).toMatchObject({ incomplete: true });
    expect(await sut.round(unitIn('offload'))).toBe(1);
    const after = await load();
    expect(after.root).toMatchObject({ incomplete: [], version: before.root?.version });
    expect(after.root?.content.note).toBe(AN_ORDER.root.note);
    expect(after.root?.digest).not.toBeNull();
    expect(after.embeds).toEqual(before.embeds);
    expect(await documents.readOne(plan, key)).not.toHaveProperty('incomplete');
    expect(await documents.unsound(plan, 10)).toEqual([]);
  });

  it('settles a doubt by what the source has: the row, another one, or none', async () => {
    await legacy.write(plan, { kind: 'insert', document: AN_ORDER });
    const [first, ...others] = AN_ORDER.embeds.lines ?? [];
    if (first === undefined) expect.fail('the order has lines');
    const lines = [{ ...first, article: 'older' }, ...others, { ...first, lineNo: 99 }];
    const stored = order({}, { ...AN_ORDER, embeds: { ...AN_ORDER.embeds, lines } });
    const rows = Object.entries(stored.embeds.lines ?? {}).map(([text, row]) => [
      text,
      { ...row, doubtful: row.content.article === 'older' || row.content.lineNo === 99 },
    ]);
    await store({ ...stored, embeds: { ...stored.embeds, lines: Object.fromEntries(rows) } });
    expect(await sut.round(unitIn('legacy'))).toBe(1);
    expect((await documents.readOne(plan, key))?.embeds).toEqual(AN_ORDER.embeds);
    expect((await load()).embeds.lines?.['99']).toMatchObject({ live: false, doubtful: false });
  });

  it('makes a tombstone of a row that is gone from the source', async () => {
    await store(order({ doubtful: true }));
    expect(await sut.round(unitIn('offload'))).toBe(1);
    expect((await load()).root).toMatchObject({ live: false, doubtful: false });
    expect(await documents.readOne(plan, key)).toBeNull();
  });

  it('writes nothing over a document that has changed since it was looked at', async () => {
    await legacy.write(plan, { kind: 'insert', document: AN_ORDER });
    await store(order(without('note')));
    const overtaken = mender({
      readMarked: async (by, keys) => {
        const found = await legacy.readMarked(by, keys);
        await store({ ...(await load()), root: order({}).root });
        return found;
      },
    });
    await legacy.write(plan, { kind: 'patch', key, root: { note: 'later' }, embeds: {} });
    expect(await overtaken.round(unitIn('offload'))).toBe(0);
    expect((await load()).root?.content.note).toBe(AN_ORDER.root.note);
  });

  it('tries again after a while what no document can hold', async () => {
    await legacy.write(plan, { kind: 'insert', document: AN_ORDER });
    await postgres.sql(`UPDATE public.orders SET ordered_on = 'infinity'`);
    await store(order({ doubtful: true }));
    expect(await sut.round(unitIn('offload'))).toBe(0);
    await postgres.sql(`UPDATE public.orders SET ordered_on = '2024-02-29'`);
    expect(await sut.round(unitIn('offload'))).toBe(0);
    clock.turn(30_000);
    expect(await sut.round(unitIn('offload'))).toBe(1);
  });

  it('leaves children in doubt until they have a parent', async () => {
    const lines = storedOf(plan, AN_ORDER).embeds.lines ?? {};
    const orphan = { ...(lines['1'] ?? expect.fail('no line')), doubtful: true };
    const embeds = { lines: { 1: orphan }, address: {} };
    await store({ ...order({}), root: null, embeds });
    expect(await documents.isUnsure(plan, null)).toBe(false);
    expect(await sut.round(unitIn('offload'))).toBe(0);
    await store({ ...order({}), embeds });
    await legacy.write(plan, { kind: 'insert', document: AN_ORDER });
    expect(await sut.round(unitIn('offload'))).toBe(1);
  });

  it('asks nothing of a legacy database that is not the authority', async () => {
    await store(order({ doubtful: true }));
    expect(await sut.round(unitIn('primary'))).toBe(0);
    expect((await load()).root?.doubtful).toBe(true);
  });

  it('throws when the source is away, and mends when it is back', async () => {
    await legacy.write(plan, { kind: 'insert', document: AN_ORDER });
    await store(order(without('note')));
    const away = mender({
      readMarked: async () => {
        throw new Error('away');
      },
    });
    await expect(away.round(unitIn('offload'))).rejects.toThrow('away');
    expect(await sut.round(unitIn('offload'))).toBe(1);
  });
});
