import { describe, expect, test } from 'vitest';
import type { CanonicalValue } from '#core/field-type';
import type { Field } from '#core/plan';
import type { Filter, ListQuery } from '#core/query';
import { ordersPlan } from '#testing/orders-plan';
import { ordersShape } from '#testing/orders-shape';
import { selectPage } from './list-sql.ts';

function field(path: string): Field {
  const found = ordersPlan.root.fields.find((candidate) => candidate.path === path);
  if (found === undefined) throw new Error(`no field ${path}`);
  return found;
}

/** `-name` sorts descending. */
function page(
  sort: string,
  after: ListQuery['after'] = null,
  filters: readonly Filter[] = [],
  byCodePoint = true,
) {
  const terms = sort
    .split(',')
    .map((term) => ({ field: field(term.replace('-', '')), descending: term[0] === '-' }));
  const { text, values } = selectPage(ordersShape(byCodePoint), { filters, sort: terms, limit: 10, after });
  const [, where] =
    / WHERE (.*) ORDER BY/.exec(text.slice(text.lastIndexOf(' FROM "public"."orders"'))) ?? [];
  const order = text.slice(text.lastIndexOf(' ORDER BY ') + 10, text.lastIndexOf(' LIMIT'));
  return { where: where ?? null, order, values };
}

describe('an order', () => {
  interface Case {
    readonly sort: string;
    readonly byCodePoint?: boolean;
    readonly order: string;
  }
  const cases: readonly Case[] = [
    { sort: 'region,number', order: 'r."region", r."number"' },
    { sort: '-region,-number', order: 'r."region" DESC, r."number" DESC' },
    { sort: 'region,number', byCodePoint: false, order: 'r."region" COLLATE "C", r."number"' },
    { sort: 'orderedOn', order: 'r."ordered_on" NULLS FIRST' },
    { sort: '-orderedOn', order: 'r."ordered_on" DESC NULLS LAST' },
    { sort: 'note', order: 'r."note" NULLS FIRST' },
    { sort: 'note', byCodePoint: false, order: 'r."note" COLLATE "C" NULLS FIRST' },
    { sort: 'customer.name', order: `rtrim(r."customer_name"::text, ' ') NULLS FIRST` },
    { sort: 'extra', order: 'r."extra"::text COLLATE "C" NULLS FIRST' },
  ];

  test.each(cases)('$sort, by code point: $byCodePoint', ({ sort, byCodePoint, order }) => {
    expect(page(sort, null, [], byCodePoint).order).toBe(order);
  });
});

describe('a cursor', () => {
  interface Case {
    readonly sort: string;
    readonly after: readonly CanonicalValue[];
    readonly where: string;
  }
  const cases: readonly Case[] = [
    {
      sort: 'region,number',
      after: ['EU', '7'],
      where: '(r."region", r."number") > ($1::bpchar, $2::bigint)',
    },
    {
      sort: '-region,-number',
      after: ['EU', '7'],
      where: '(r."region", r."number") < ($1::bpchar, $2::bigint)',
    },
    {
      sort: 'region,-number',
      after: ['EU', '7'],
      where:
        '((r."region" > $1::bpchar) OR (r."region" = $1::bpchar AND (r."number" < $2::bigint OR r."number" IS NULL)))',
    },
    {
      sort: 'pieces,number',
      after: [3, '7'],
      where: '((r."pieces" > $1::integer) OR (r."pieces" = $1::integer AND r."number" > $2::bigint))',
    },
    {
      sort: 'pieces,number',
      after: [null, '7'],
      where: '((r."pieces" IS NOT NULL) OR (r."pieces" IS NULL AND r."number" > $1::bigint))',
    },
    {
      sort: '-pieces,number',
      after: [3, '7'],
      where:
        '(((r."pieces" < $1::integer OR r."pieces" IS NULL)) OR (r."pieces" = $1::integer AND r."number" > $2::bigint))',
    },
    {
      sort: '-pieces,number',
      after: [null, '7'],
      where: '((FALSE) OR (r."pieces" IS NULL AND r."number" > $1::bigint))',
    },
  ];

  test.each(cases)('$sort after $after', ({ sort, after, where }) => {
    expect(page(sort, after).where).toBe(where);
  });
});

describe('a filter', () => {
  interface Case {
    readonly path: string;
    readonly operator: Filter['operator'];
    readonly values: readonly CanonicalValue[];
    readonly where: string;
  }
  const cases: readonly Case[] = [
    { path: 'pieces', operator: 'eq', values: [3], where: 'r."pieces" = $1::integer' },
    { path: 'pieces', operator: 'eq', values: [null], where: 'r."pieces" IS NULL' },
    {
      path: 'pieces',
      operator: 'ne',
      values: [3],
      where: '(r."pieces" <> $1::integer OR r."pieces" IS NULL)',
    },
    { path: 'pieces', operator: 'ne', values: [null], where: 'r."pieces" IS NOT NULL' },
    { path: 'pieces', operator: 'in', values: [1, 2], where: '(r."pieces" IN ($1::integer, $2::integer))' },
    {
      path: 'pieces',
      operator: 'in',
      values: [null, 2],
      where: '(r."pieces" IN ($1::integer) OR r."pieces" IS NULL)',
    },
    { path: 'pieces', operator: 'in', values: [null], where: '(r."pieces" IS NULL)' },
    { path: 'pieces', operator: 'in', values: [], where: 'FALSE' },
    { path: 'pieces', operator: 'gte', values: [3], where: 'r."pieces" >= $1::integer' },
    { path: 'pieces', operator: 'lt', values: [null], where: 'FALSE' },
    {
      path: 'weight',
      operator: 'gt',
      values: [1.5],
      where: `(r."weight" > $1::float8 AND r."weight" <> 'NaN')`,
    },
    { path: 'weight', operator: 'gt', values: ['NaN'], where: 'FALSE' },
    { path: 'weight', operator: 'lte', values: ['NaN'], where: `r."weight" = 'NaN'` },
    { path: 'token', operator: 'eq', values: ['x'], where: 'r."token" = $1::uuid' },
    { path: 'picture', operator: 'eq', values: ['AA=='], where: `r."picture" = decode($1, 'base64')` },
    { path: 'extra', operator: 'eq', values: ['{}'], where: 'r."extra"::text = $1::text' },
    { path: 'amount', operator: 'lte', values: ['1.50'], where: 'r."amount" <= $1::numeric' },
  ];

  test.each(cases)('$path $operator $values', ({ path, operator, values, where }) => {
    const found = page('region,number', null, [{ field: field(path), operator, values }]);
    expect(found.where).toBe(where);
    expect(found.values.at(-1)).toBe('11');
  });
});
