import { describe, expect, it } from 'vitest';
import { EVERY_TYPE } from '#testing/every-type';
import { field, ordersPlan } from '#testing/orders-plan';
import { exampleOf, schemaOf } from './field-schema.ts';
import { FIELD_KINDS, type FieldType } from './field-type.ts';
import { parseJson } from './json-text.ts';
import { documentExample, openApi } from './open-api.ts';
import type { Plan } from './plan.ts';
import { readDocument, readPatch } from './request-body.ts';
import { parseCanonical } from './value.ts';

const types: readonly FieldType[] = [
  ...ordersPlan.root.fields.map(({ type }) => type),
  ...EVERY_TYPE,
  { kind: 'string', trim: false, length: 1 },
];

describe('schemaOf', () => {
  it('covers every kind', () => {
    expect(new Set(types.map(({ kind }) => kind))).toEqual(new Set(FIELD_KINDS));
  });

  it.each(types)('has a canonical example for $kind that its own pattern takes', (type) => {
    const example = exampleOf(type);
    expect(parseCanonical(type, example)).toEqual(example);
    const { pattern } = schemaOf(type, false);
    if (typeof pattern === 'string') expect(example).toMatch(new RegExp(pattern, 'u'));
  });

  it('allows null only where null is legal', () => {
    expect(schemaOf({ kind: 'int' }, true).type).toEqual(['integer', 'null']);
    expect(schemaOf({ kind: 'int' }, false).type).toBe('integer');
    expect(schemaOf({ kind: 'double' }, true).anyOf).toContainEqual({ type: 'null' });
  });

  interface Case {
    readonly type: FieldType;
    readonly legal: readonly string[];
    readonly illegal: readonly string[];
  }
  const cases: readonly Case[] = [
    {
      type: { kind: 'decimal', precision: 4, scale: 2 },
      legal: ['12.50', '-1', '0012.5'],
      illegal: ['123', '1.234', '1e1', '.5'],
    },
    { type: { kind: 'decimal', precision: 2, scale: 2 }, legal: ['0.12'], illegal: ['1.12'] },
    {
      type: { kind: 'time', precision: 0 },
      legal: ['23:59:59', '24:00:00'],
      illegal: ['24:00:01', '23:59:60', '1:00:00'],
    },
  ];
  it.each(cases)('has the pattern of $type', ({ type, legal, illegal }) => {
    const pattern = new RegExp(String(schemaOf(type, false).pattern), 'u');
    expect(legal.filter((value) => !pattern.test(value))).toEqual([]);
    expect(illegal.filter((value) => pattern.test(value))).toEqual([]);
  });
});

describe('openApi', () => {
  const readOnlyPlan: Plan = { ...ordersPlan, unit: 'archive', mode: 'R' };
  const document = openApi([ordersPlan, readOnlyPlan], '1.2.3');

  it('has one resource a unit, and no write on a unit that is read only', () => {
    expect(Object.keys(document.paths)).toEqual([
      '/v1/archive',
      '/v1/archive/{key}',
      '/v1/orders',
      '/v1/orders/{key}',
    ]);
    expect(Object.keys(document.paths['/v1/orders/{key}'] ?? {})).toEqual([
      'parameters',
      'get',
      'put',
      'patch',
      'delete',
    ]);
    expect(Object.keys(document.paths['/v1/archive/{key}'] ?? {})).toEqual(['parameters', 'get']);
    expect(Object.keys(document.components.schemas)).toEqual([
      'Problem',
      'archive',
      'archive.page',
      'orders',
      'orders.page',
      'orders.create',
      'orders.replace',
      'orders.patch',
    ]);
  });

  it('points only at what is there', () => {
    const pointers = [...JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/([^"]+)"/g)];
    expect(pointers.length).toBeGreaterThan(20);
    for (const [, kind = '', name = ''] of pointers) expect(document.components).toHaveProperty([kind, name]);
  });

  it('names each operation once', () => {
    const ids = [...JSON.stringify(document).matchAll(/"operationId":"([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('shows every member in an answer and demands in a body what the database demands', () => {
    const { orders, ...rest } = document.components.schemas;
    expect(orders?.required).toHaveLength(
      new Set(ordersPlan.root.fields.map(({ segments }) => segments[0])).size + 2,
    );
    expect(rest['orders.create']?.required).toEqual(['region', 'number', 'customer', 'amount']);
    expect(rest['orders.patch']?.required).toEqual([]);
    expect(orders?.['x-key']).toEqual(['region', 'number']);
  });

  it('gives examples that the request reader takes', () => {
    const example = (use: 'answer' | 'create' | 'replace' | 'patch'): ReturnType<typeof parseJson> =>
      parseJson(JSON.stringify(documentExample(ordersPlan, use)));
    const { root } = readDocument(ordersPlan, example('create'), null);
    const key = [root.region ?? null, root.number ?? null];
    expect(readDocument(ordersPlan, example('replace'), key).root).toEqual(root);
    expect(readDocument(ordersPlan, example('answer'), key).root).toEqual(root);
    expect(Object.keys(readPatch(ordersPlan, example('patch'), key, null).root)).toEqual(['customer.name']);
  });

  it('describes the list by the fields of the plan', () => {
    const text = JSON.stringify(document.paths['/v1/orders']);
    for (const name of [
      'filter[amount]',
      'filter[amount][gte]',
      'filter[customer.name]',
      'limit',
      'cursor',
      'sort',
    ])
      expect(text).toContain(`"name":"${name}"`);
    expect(text).not.toContain('filter[picture][gte]');
  });

  it('encodes the parts of a key', () => {
    const plan: Plan = {
      ...ordersPlan,
      root: {
        ...ordersPlan.root,
        key: ['changed_at', 'flag'],
        fields: [...ordersPlan.root.fields, field('flag', { kind: 'boolean' })],
      },
    };
    const item = openApi([plan], '1').paths['/v1/orders/{key}'];
    expect(item?.parameters).toMatchObject([{ example: '2026-03-31T13%3A45%3A30.123456Z,true' }]);
  });
});
