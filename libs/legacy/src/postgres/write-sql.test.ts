import { describe, expect, test } from 'vitest';
import type { CanonicalDocument } from '#core/document';
import { ordersShape } from '#testing/orders-shape';
import type { Statement } from './statement.ts';
import { deleteDocument, insertEmbeds, insertRoot, updateDocument } from './write-sql.ts';

const shape = ordersShape();
const KEY = ['EU', '7'];
const sent: CanonicalDocument = {
  root: { region: 'EU', number: '7', 'customer.name': 'Meier', amount: '1.00', pieces: 3, note: null },
  embeds: {
    lines: [
      { number: '7', lineNo: 1, article: 'nut', price: '1.00' },
      { number: '7', lineNo: 2, article: 'bolt', price: null },
    ],
    address: [],
  },
};
/** As it is read: with every member. */
const before: CanonicalDocument = {
  ...sent,
  root: { ...Object.fromEntries(shape.plan.root.fields.map(({ path }) => [path, null])), ...sent.root },
};

function texts(statements: readonly Statement[]): readonly string[] {
  return statements.map(({ text }) => text);
}

test('an insert lists what was sent, never what is read-only, and answers the key', () => {
  const root = { ...sent.root, rowVersion: '9', picture: 'AA==', number: null };
  const { text, values } = insertRoot(shape, root);
  expect(text).toBe(
    'INSERT INTO "public"."orders" AS r ("region", "customer_name", "amount", "pieces", "picture", "note") VALUES ' +
      `($1::bpchar, $2::character varying, $3::numeric, $4::smallint, decode($5, 'base64'), $6::text) ` +
      'RETURNING r."region"::text, r."number"::text',
  );
  expect(values).toEqual(['EU', 'Meier', '1.00', '3', 'AA==', null]);
});

test('an insert of nothing leaves everything to the database', () => {
  expect(insertRoot(shape, {}).text).toContain('AS r DEFAULT VALUES RETURNING');
});

test('embedded rows get the key of their parent, and defaults for what they do not say', () => {
  const [one, none] = insertEmbeds(shape, KEY, {
    lines: [
      { lineNo: 1, article: 'nut' },
      { lineNo: null, price: '2' },
    ],
  });
  expect(one?.text).toBe(
    'INSERT INTO "public"."order_line" ("region", "number", "line_no", "article", "price") VALUES ' +
      '($1::bpchar, $2::bigint, $3::integer, $4::bpchar, DEFAULT), ' +
      '($5::bpchar, $6::bigint, DEFAULT, DEFAULT, $7::numeric)',
  );
  expect(one?.values).toEqual(['EU', '7', '1', 'nut', 'EU', '7', '2']);
  expect(none).toBeUndefined();
});

test('many embedded rows are sent in several statements', () => {
  const lines = Array.from({ length: 1_100 }, (_, index) => ({ lineNo: index, article: 'x' }));
  expect(insertEmbeds(shape, KEY, { lines })).toHaveLength(3);
});

describe('an update', () => {
  test('sets what differs and nothing else', () => {
    const root = { ...before.root, pieces: 4 };
    const statements = updateDocument(shape, KEY, before, { root, embeds: {}, unsent: 'kept' });
    expect(statements).toEqual([
      {
        text: 'UPDATE "public"."orders" AS r SET "pieces" = $1::smallint WHERE r."region" = $2::bpchar AND r."number" = $3::bigint',
        values: ['4', 'EU', '7'],
      },
    ]);
  });

  test('sets what was not sent to its default when it replaces', () => {
    const root = { region: 'EU', number: '7', amount: '1.00' };
    const [one] = updateDocument(shape, KEY, before, { root, embeds: {}, unsent: 'default' });
    expect(one?.text).toContain('SET "customer_name" = DEFAULT, "pieces" = DEFAULT WHERE');
  });

  test('of nothing is nothing', () => {
    expect(updateDocument(shape, KEY, before, { ...before, unsent: 'default' })).toEqual([]);
    expect(updateDocument(shape, KEY, before, { root: {}, embeds: {}, unsent: 'kept' })).toEqual([]);
  });

  test('deletes, changes and inserts the rows of an array, in this order', () => {
    const lines = [
      { number: '7', lineNo: 2, article: 'bolt', price: '5.00' },
      { number: '7', lineNo: 3, article: 'gear', price: null },
    ];
    const statements = updateDocument(shape, KEY, before, { root: {}, embeds: { lines }, unsent: 'kept' });
    expect(texts(statements)).toEqual([
      'DELETE FROM "public"."order_line" AS c WHERE c."region" = $1::bpchar AND c."number" = $2::bigint AND ' +
        '(c."line_no") IN (SELECT k.k0::integer FROM unnest($3::text[]) AS k(k0))',
      'UPDATE "public"."order_line" AS c SET "price" = $1::numeric WHERE c."region" = $2::bpchar AND ' +
        'c."number" = $3::bigint AND c."line_no" = $4::integer',
      'INSERT INTO "public"."order_line" ("region", "number", "line_no", "article", "price") VALUES ' +
        '($1::bpchar, $2::bigint, $3::integer, $4::bpchar, $5::numeric)',
    ]);
    expect(statements[0]?.values).toEqual(['EU', '7', ['1']]);
  });
});

test('a delete removes the children before the root', () => {
  const tables = texts(deleteDocument(shape, KEY)).map((text) => /FROM "public"."(\w+)"/.exec(text)?.[1]);
  expect(tables).toEqual(['order_line', 'order_address', 'orders']);
});
