import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CanonicalDocument } from '#core/document';
import type { Plan } from '#core/plan';
import type { WriteCommand, WriteResult } from '#core/ports/legacy-store';
import { AN_ORDER as ORDER } from '#testing/an-order';
import { conformingReads, conformingWrites } from '#testing/conformance/documents';
import { ordersPlan as plan } from '#testing/orders-plan';
import { ORDERS_SQL } from '#testing/orders-postgres';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { SOME_ORDERS } from '#testing/some-orders';
import { PostgresStore } from './store.ts';

let database: ScratchDatabase;
let sut: PostgresStore;

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(ORDERS_SQL);
  sut = new PostgresStore('shop', { url: database.url, slot: 'ficus_shop' });
});

afterAll(async () => {
  await sut.close();
  await database.drop();
});

beforeEach(async () => {
  await database.sql('TRUNCATE orders, order_line, order_address');
});

const KEY = ['EU', '7'];

async function done(command: WriteCommand, by: Plan = plan): Promise<Extract<WriteResult, { kind: 'done' }>> {
  const result = await sut.write(by, command);
  if (result.kind !== 'done') throw new Error(`the write found the document ${result.kind}`);
  return result;
}

async function insert(document: CanonicalDocument = ORDER): Promise<CanonicalDocument> {
  const { document: written } = await done({ kind: 'insert', document });
  if (written === null) throw new Error('an insert must answer the document');
  return written;
}

/** A document without what the database itself puts into it. */
function sent(document: CanonicalDocument | null): CanonicalDocument | null {
  if (document === null) return null;
  const { rowVersion, ...root } = document.root;
  expect(rowVersion).toMatch(/^\d+$/);
  return { ...document, root };
}

describe('reading', () => {
  test('gives a document whole and exact', async () => {
    await insert();
    expect(sent(await sut.readOne(plan, KEY))).toEqual(ORDER);
  });

  test('finds nothing where there is nothing', async () => {
    expect(await sut.readOne(plan, KEY)).toBeNull();
    expect(await sut.readMarked(plan, [KEY])).toEqual([]);
    expect(await sut.readMarked(plan, [])).toEqual([]);
    expect(await sut.list(plan, { filters: [], sort: keySort(), limit: 5, after: null })).toEqual({
      documents: [],
      more: false,
    });
    expect(await sut.count(plan)).toBe(0);
  });

  test('a mark changes with the root and with each embedded row, and only then', async () => {
    await insert();
    const mark = async (): Promise<string> => (await sut.readMarked(plan, [KEY, KEY]))[0]?.mark ?? '';
    const marks = [await mark()];
    expect(await mark()).toBe(marks[0]);
    for (const change of [
      "UPDATE orders SET note = 'x'",
      'UPDATE order_line SET price = 1 WHERE line_no = 2',
      'DELETE FROM order_address',
      "INSERT INTO order_line VALUES ('EU', 7, 11, 'x', 1)",
    ]) {
      await database.sql(change);
      marks.push(await mark());
    }
    expect(new Set(marks).size).toBe(5);
  });

  test.each([
    {
      set: "amount = 'NaN'",
      says: /public.orders, row region=EU, number=7, column amount: "NaN" is not legal/,
    },
    { set: "ordered_on = 'infinity'", says: /column ordered_on: "infinity" is not legal/ },
    { set: "changed_at = '0044-03-15 BC'", says: /column changed_at: .* years 0001 to 9999/ },
  ])('leaves out a value that has no canonical form, and says why: $set', async ({ set, says }) => {
    await insert();
    await database.sql(`UPDATE orders SET ${set}`);
    const found = await sut.readOne(plan, KEY);
    expect(found?.unreadable).toEqual([{ pointer: expect.any(String), reason: expect.stringMatching(says) }]);
    const page = await sut.list(plan, { filters: [], sort: keySort(), limit: 5, after: null });
    expect(page.documents).toEqual([found]);
    const mark = (await sut.readMarked(plan, [KEY]))[0]?.mark;
    const patch: WriteCommand = { kind: 'patch', key: KEY, root: { pieces: 9 }, embeds: {} };
    await expect(sut.write(plan, patch)).rejects.toMatchObject({ code: 'value_invalid', message: says });
    expect((await sut.readMarked(plan, [KEY]))[0]?.mark).toBe(mark);
    const repaired = await done({ kind: 'replace', key: KEY, document: ORDER });
    expect(sent(repaired.document)).toEqual(ORDER);
    await database.sql(`UPDATE orders SET ${set}`);
    expect(await done({ kind: 'delete', key: KEY })).toMatchObject({ document: null });
  });

  test('counts', async () => {
    await insert();
    expect(await sut.count(plan)).toBe(1);
    expect(await sut.countRows('public.order_line')).toBe(3);
  });
});

describe('a plan that does not fit', () => {
  test('names the table or the column, and is believed again once it is there', async () => {
    const without: Plan = { ...plan, root: { ...plan.root, table: 'public.nowhere' } };
    await expect(sut.readOne(without, KEY)).rejects.toMatchObject({
      code: 'plan_invalid',
      message: /no table public.nowhere/,
    });
    await insert();
    await database.sql('ALTER TABLE orders RENAME COLUMN note TO notes');
    await expect(sut.readOne(plan, KEY)).rejects.toMatchObject({ code: 'plan_invalid' });
    await expect(sut.readOne(plan, KEY)).rejects.toThrow(/no column "note"; the nearest are notes/);
    await database.sql('ALTER TABLE orders RENAME COLUMN notes TO note');
    expect(sent(await sut.readOne(plan, KEY))).toEqual(ORDER);
  });
});

describe('the log', () => {
  test('a mark lies at or above everything committed before it, and beats the heart after it', async () => {
    await insert();
    const before = await logPosition();
    const mark = await sut.mark();
    expect(mark).toBeGreaterThanOrEqual(before);
    expect(await logPosition()).toBeGreaterThan(mark as bigint);
    await sut.mark();
    expect(await database.sql('SELECT id FROM ficus.heartbeat')).toEqual([{ id: 1 }]);
  });

  test('a position is captured once the slot has confirmed it', async () => {
    await expect(sut.captured(1n)).rejects.toMatchObject({
      code: 'connector_failed',
      message: /slot ficus_shop does not exist/,
    });
    await database.sql("SELECT pg_create_logical_replication_slot('ficus_shop', 'pgoutput')");
    await insert();
    const mark = await sut.mark();
    expect(await sut.captured(mark)).toBe(false);
    await database.sql("SELECT pg_replication_slot_advance('ficus_shop', pg_current_wal_lsn())");
    expect(await sut.captured(mark)).toBe(true);
    await database.sql("SELECT pg_drop_replication_slot('ficus_shop')");
  });

  test('a snapshot is ordered by a row, once', async () => {
    await sut.signalSnapshot('s1', ['public.orders', 'public.Odd.Name']);
    await sut.signalSnapshot('s1', ['public.orders']);
    expect(await database.sql('SELECT * FROM ficus.signal')).toEqual([
      {
        id: 's1',
        type: 'execute-snapshot',
        data: '{"type":"incremental","data-collections":["public.orders","public.Odd.Name"]}',
      },
    ]);
  });

  test("tells the source's time", async () => {
    const [row] = await database.sql('SELECT (extract(epoch FROM now()) * 1000)::float8 AS ms');
    expect(Math.abs((await sut.now()) - Number(row?.ms))).toBeLessThan(10_000);
    await sut.ping();
  });
});

function keySort(): { field: Plan['root']['fields'][number]; descending: boolean }[] {
  return plan.root.fields.slice(0, 2).map((field) => ({ field, descending: false }));
}

async function logPosition(): Promise<bigint> {
  const [row] = await database.sql("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text AS at");
  return BigInt(String(row?.at));
}

describe('as every store of its port does', () => {
  const open = () => ({
    plan,
    store: sut,
    documents: SOME_ORDERS,
    fill: async () => {
      for (const document of SOME_ORDERS) await sut.write(plan, { kind: 'insert', document });
    },
  });
  conformingReads(open);
  conformingWrites(open);
});
