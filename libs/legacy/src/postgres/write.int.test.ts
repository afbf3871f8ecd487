import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { CanonicalDocument } from '#core/document';
import type { Content } from '#core/field-type';
import type { Plan } from '#core/plan';
import type { WriteCommand, WriteResult } from '#core/ports/legacy-store';
import { AN_ORDER as ORDER } from '#testing/an-order';
import { ordersPlan as plan } from '#testing/orders-plan';
import { ORDERS_SQL } from '#testing/orders-postgres';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
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

/** Where each line's row stands: it moves when the row is written. */
async function places(): Promise<Record<string, unknown>> {
  const rows = await database.sql('SELECT line_no, ctid::text AS place FROM order_line');
  return Object.fromEntries(rows.map((row) => [String(row.line_no), row.place]));
}

describe('an insert', () => {
  test('answers the document as it now is, with its position in the log', async () => {
    const before = await logPosition();
    const { document, position } = await done({ kind: 'insert', document: ORDER });
    expect(sent(document)).toEqual(ORDER);
    expect(position).toBeGreaterThan(before);
    expect(position).toBeLessThanOrEqual(await logPosition());
  });

  test('of an existing key is refused', async () => {
    await insert();
    const command = { kind: 'insert', document: { ...ORDER, embeds: {} } } as const;
    await expect(sut.write(plan, command)).rejects.toMatchObject({
      code: 'document_exists',
      message: 'orders has a document with the key EU,7',
    });
  });

  test('leaves what the client did not send to the defaults', async () => {
    const root: Content = { region: 'EU', number: '8', 'customer.name': 'x', amount: '1.00' };
    const written = await insert({ root, embeds: {} });
    expect(written.root).toMatchObject({ ...root, pieces: null, note: null });
    expect(written.embeds).toEqual({ lines: [], address: [] });
    expect(await database.sql('SELECT internal_note FROM orders')).toEqual([{ internal_note: 'kept' }]);
  });

  test('refuses a row that belongs elsewhere, and two rows with one key', async () => {
    const lines = (rows: readonly Content[]): WriteCommand => ({
      kind: 'insert',
      document: { root: ORDER.root, embeds: { lines: rows } },
    });
    const elsewhere = lines([{ number: '8', lineNo: 1, article: 'x' }]);
    await expect(sut.write(plan, elsewhere)).rejects.toMatchObject({
      code: 'value_invalid',
      message: 'lines: a row has number 8; in this document it must be 7 (number) or be left out',
    });
    const twice = lines([
      { lineNo: 1, article: 'x' },
      { lineNo: 1, article: 'y' },
    ]);
    await expect(sut.write(plan, twice)).rejects.toThrow('lines: two rows have the key 1; it must be unique');
    expect(await sut.count(plan)).toBe(0);
  });
});

describe('a replace', () => {
  test('sets what was sent, empties what was not, and leaves unmapped columns alone', async () => {
    await insert();
    await database.sql("UPDATE orders SET internal_note = 'mine'");
    const root: Content = { region: 'EU', number: '7', 'customer.name': 'Meier', amount: '1.00' };
    const lines = [{ number: '7', lineNo: 2, article: 'bolt', price: '5.00' }];
    const { document } = await done({ kind: 'replace', key: KEY, document: { root, embeds: { lines } } });
    expect(document?.root).toMatchObject({ ...root, pieces: null, token: null, note: null });
    expect(document?.embeds).toEqual({ lines, address: [] });
    expect(await database.sql('SELECT internal_note FROM orders')).toEqual([{ internal_note: 'mine' }]);
  });

  test('touches only the rows that change', async () => {
    const written = await insert();
    const before = await places();
    const lines = [...(written.embeds.lines ?? [])];
    lines[1] = { ...lines[1], article: 'screw' };
    lines[2] = { number: '7', lineNo: 11, article: 'new', price: '1.00' };
    const { document } = await done({
      kind: 'replace',
      key: KEY,
      document: { root: written.root, embeds: { ...written.embeds, lines } },
    });
    expect(document?.root.rowVersion).toBe(written.root.rowVersion);
    expect(document?.embeds.lines).toEqual(lines);
    const after = await places();
    expect(Object.keys(after)).toEqual(['1', '2', '11']);
    expect(after['1']).toBe(before['1']);
    expect(after['2']).not.toBe(before['2']);
  });

  test('of nothing is missing', async () => {
    expect(await sut.write(plan, { kind: 'replace', key: KEY, document: ORDER })).toEqual({
      kind: 'missing',
    });
    expect(await sut.count(plan)).toBe(0);
  });
});

describe('a patch', () => {
  test('changes only what was sent', async () => {
    await insert();
    const { document } = await done({
      kind: 'patch',
      key: KEY,
      root: { pieces: null, note: 'n' },
      embeds: {},
    });
    expect(sent(document)).toEqual({ ...ORDER, root: { ...ORDER.root, pieces: null, note: 'n' } });
  });

  test('replaces an array that was sent', async () => {
    await insert();
    const { document } = await done({ kind: 'patch', key: KEY, root: {}, embeds: { lines: [] } });
    expect(sent(document)).toEqual({ ...ORDER, embeds: { ...ORDER.embeds, lines: [] } });
  });

  test('of nothing is missing', async () => {
    const command = { kind: 'patch', key: KEY, root: { note: 'x' }, embeds: {} } as const;
    expect(await sut.write(plan, command)).toEqual({ kind: 'missing' });
  });

  test('of one document by many at once loses none of them', async () => {
    await insert();
    const lines = Array.from({ length: 12 }, (_, index) => index);
    await Promise.all(
      lines.map((index) =>
        sut.write(plan, {
          kind: 'patch',
          key: KEY,
          root: index % 2 ? { pieces: index } : { note: `${index}` },
          embeds: {},
        }),
      ),
    );
    const document = await sut.readOne(plan, KEY);
    expect(Number(document?.root.pieces) % 2).toBe(1);
    expect(Number(document?.root.note) % 2).toBe(0);
  });
});

describe('a delete', () => {
  test('takes the embedded rows along', async () => {
    await insert();
    const { document, position } = await done({ kind: 'delete', key: KEY });
    expect(document).toBeNull();
    expect(position).toBeLessThanOrEqual(await logPosition());
    expect(await sut.countRows('public.order_line')).toBe(0);
    expect(await sut.write(plan, { kind: 'delete', key: KEY })).toEqual({ kind: 'missing' });
  });
});

test('a version column is the position when the plan says so', async () => {
  const versioned: Plan = { ...plan, version: { kind: 'column', column: 'row_version' } };
  const made = await done({ kind: 'insert', document: ORDER }, versioned);
  expect(made.position).toBe(BigInt(String(made.document?.root.rowVersion)));
  const changed = await done({ kind: 'patch', key: KEY, root: { note: 'x' }, embeds: {} }, versioned);
  expect(changed.position).toBeGreaterThan(made.position as bigint);
  expect((await done({ kind: 'delete', key: KEY }, versioned)).position).toBe(changed.position);
});

describe('a constraint', () => {
  interface Case {
    readonly what: string;
    readonly root: Content;
    readonly says: RegExp;
    readonly pointers?: readonly string[];
  }
  const cases: readonly Case[] = [
    {
      what: 'not null',
      root: { 'customer.name': null },
      says: /column customer_name/,
      pointers: ['/customer/name'],
    },
    { what: 'check', root: { amount: '-1.00' }, says: /constraint orders_amount_positive/ },
    {
      what: 'unique',
      root: { token: '00000000-0000-4000-8000-000000000000' },
      says: /constraint orders_token_once, column token/,
      pointers: ['/token'],
    },
    {
      what: 'length',
      root: { 'customer.name': 'x'.repeat(41) },
      says: /public.orders.customer_name character varying\(40\)/,
    },
    { what: 'precision', root: { amount: '12345678901.00' }, says: /public.orders.amount numeric\(12,2\)/ },
    { what: 'range', root: { pieces: 40_000 }, says: /public.orders.pieces smallint/ },
    { what: 'malformed', root: { extra: '{' }, says: /SQLSTATE 22P02/ },
  ];

  test.each(cases)(
    '$what names constraint or column and changes nothing',
    async ({ root, says, pointers = [] }) => {
      await insert();
      await insert({
        root: { ...ORDER.root, number: '8', token: '00000000-0000-4000-8000-000000000000' },
        embeds: {},
      });
      await expect(
        sut.write(plan, { kind: 'patch', key: KEY, root, embeds: { lines: [] } }),
      ).rejects.toMatchObject({
        code: 'legacy_constraint',
        retryable: false,
        message: says,
        faults: pointers.map((pointer) => ({ pointer, message: expect.any(String) })),
      });
      expect(sent(await sut.readOne(plan, KEY))).toEqual(ORDER);
    },
  );

  test('a foreign key of a table outside the plan', async () => {
    await insert();
    await database.sql(
      'CREATE TABLE reminder (region char(4), number bigint, CONSTRAINT reminder_of FOREIGN KEY (region, number) REFERENCES orders);' +
        "INSERT INTO reminder VALUES ('EU', 7)",
    );
    await expect(sut.write(plan, { kind: 'delete', key: KEY })).rejects.toMatchObject({
      code: 'legacy_constraint',
      message: /constraint reminder_of/,
    });
    await database.sql('DROP TABLE reminder');
    expect(sent(await sut.readOne(plan, KEY))).toEqual(ORDER);
  });

  test('one that is deferred speaks before the commit', async () => {
    await database.sql(
      'CREATE TABLE parent (id int PRIMARY KEY); ALTER TABLE orders ADD CONSTRAINT later FOREIGN KEY (pieces) REFERENCES parent DEFERRABLE INITIALLY DEFERRED',
    );
    await expect(insert()).rejects.toMatchObject({ code: 'legacy_constraint', message: /constraint later/ });
    await database.sql('ALTER TABLE orders DROP CONSTRAINT later; DROP TABLE parent');
  });
});

async function logPosition(): Promise<bigint> {
  const [row] = await database.sql("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::text AS at");
  return BigInt(String(row?.at));
}
