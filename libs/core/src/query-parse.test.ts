import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ordersPlan } from '#testing/orders-plan';
import { FicusError } from './errors.ts';
import type { CanonicalValue } from './field-type.ts';
import type { Field } from './plan.ts';
import {
  LIST_LIMIT,
  type ListRequest,
  operatorsOf,
  parseListRequest,
  printListRequest,
  printSort,
} from './query-parse.ts';

type Pair = readonly [string, string];

function fieldAt(path: string): Field {
  const field = ordersPlan.root.fields.find((candidate) => candidate.path === path);
  if (field === undefined) throw new Error(path);
  return field;
}

function faultsOf(pairs: readonly Pair[]): readonly string[] {
  try {
    parseListRequest(ordersPlan, pairs);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(FicusError);
    return (error as FicusError).faults.map(({ pointer, message }) => `${pointer} ${message}`);
  }
}

describe('parseListRequest', () => {
  it('asks for the first 50 documents in key order when nothing is said', () => {
    const request = parseListRequest(ordersPlan, []);
    expect(request).toMatchObject({ filters: [], limit: LIST_LIMIT.usual, cursor: null });
    expect(printSort(request.sort)).toBe('region,number');
  });

  interface SortCase {
    readonly text: string;
    readonly sort: string;
  }
  const sorts: readonly SortCase[] = [
    { text: '-orderedOn,amount', sort: '-orderedOn,amount,region,number' },
    { text: '-number', sort: '-number,region' },
    { text: '-region,-number', sort: '-region,-number' },
    { text: 'customer.name', sort: 'customer.name,region,number' },
  ];
  it.each(sorts)('sorts by $text, then by the rest of the key', ({ text, sort }) => {
    expect(printSort(parseListRequest(ordersPlan, [['sort', text]]).sort)).toBe(sort);
  });

  interface FilterCase {
    readonly name: string;
    readonly text: string;
    readonly values: readonly CanonicalValue[];
  }
  const filters: readonly FilterCase[] = [
    { name: 'filter[amount]', text: '10', values: ['10.00'] },
    { name: 'filter[amount][gte]', text: '-0.5', values: ['-0.50'] },
    { name: 'filter[customer.name]', text: 'null', values: [null] },
    { name: 'filter[customer.name]', text: '\\null', values: ['null'] },
    { name: 'filter[customer.name]', text: 'a,b', values: ['a,b'] },
    { name: 'filter[customer.name][in]', text: 'a\\,b,null,\\\\', values: ['a,b', null, '\\'] },
    { name: 'filter[customer.name][in]', text: '', values: [''] },
    { name: 'filter[customer.vip][ne]', text: 'false', values: [false] },
    { name: 'filter[pieces][in]', text: '1,2', values: [1, 2] },
    { name: 'filter[weight][lt]', text: '1.5e3', values: [1500] },
    { name: 'filter[number]', text: '9223372036854775807', values: ['9223372036854775807'] },
    { name: 'filter[extra]', text: 'null', values: [null] },
    {
      name: 'filter[token]',
      text: '0F8FAD5B-D9CB-469F-A165-70867728950E',
      values: ['0f8fad5b-d9cb-469f-a165-70867728950e'],
    },
    {
      name: 'filter[changedAt][gt]',
      text: '2026-01-01T01:00:00+01:00',
      values: ['2026-01-01T00:00:00.000000Z'],
    },
  ];
  it.each(filters)('reads $name=$text', ({ name, text, values }) => {
    expect(parseListRequest(ordersPlan, [[name, text]]).filters[0]?.values).toEqual(values);
  });

  interface FaultCase {
    readonly pairs: readonly Pair[];
    readonly fault: string;
  }
  const faults: readonly FaultCase[] = [
    { pairs: [['limit', '0']], fault: '/limit "0" is not legal here; legal is an integer from 1 to 1000' },
    {
      pairs: [['limit', '1001']],
      fault: '/limit "1001" is not legal here; legal is an integer from 1 to 1000',
    },
    {
      pairs: [['limit', '1e3']],
      fault: '/limit "1e3" is not legal here; legal is an integer from 1 to 1000',
    },
    {
      pairs: [
        ['limit', '1'],
        ['limit', '2'],
      ],
      fault: '/limit is given twice; once is legal',
    },
    {
      pairs: [['page', '2']],
      fault:
        '/page no such parameter; legal are limit, cursor, sort, filter[field] and filter[field][operator]',
    },
    { pairs: [['sort', 'amount,amount']], fault: '/sort/1 "amount" is given twice' },
    { pairs: [['sort', '']], fault: '/sort/0 "" is no field' },
    { pairs: [['sort', 'picture']], fault: '/sort/0 "picture" is bytes and has no order' },
    { pairs: [['filter[amount', '1']], fault: '/filter[amount is no filter' },
    { pairs: [['filter[a~b/c]', '1']], fault: '/filter/a~0b~1c no such field' },
    { pairs: [['filter[lines.price]', '1']], fault: '/filter/lines.price no such field' },
    {
      pairs: [['filter[amount][like]', '1']],
      fault: '/filter/amount/like no such operator for decimal; legal are eq, ne',
    },
    {
      pairs: [['filter[picture][gt]', 'QQ==']],
      fault: '/filter/picture/gt no such operator for bytes; legal are eq, ne, in',
    },
    { pairs: [['filter[amount][gt]', 'null']], fault: '/filter/amount/gt null has no order' },
    { pairs: [['filter[amount]', 'ten']], fault: '/filter/amount/eq "ten" is not legal here' },
    { pairs: [['filter[pieces][in]', '1,x']], fault: '/filter/pieces/in "x" is not legal here' },
    {
      pairs: [['filter[extra]', '{}']],
      fault: '/filter/extra/eq a field of type json can only be compared with null',
    },
  ];
  it.each(faults)('refuses $pairs', ({ pairs, fault }) => {
    const found = faultsOf(pairs);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(fault);
  });

  it('names every fault at once', () => {
    const found = faultsOf([
      ['limit', 'x'],
      ['sort', 'x,-y'],
      ['filter[x]', '1'],
      ['x', '1'],
    ]);
    expect(found.map((fault) => fault.split(' ')[0])).toEqual([
      '/filter/x',
      '/x',
      '/limit',
      '/sort/0',
      '/sort/1',
    ]);
  });

  it('reads what it prints', () => {
    const paths = ['customer.name', 'note', 'amount', 'pieces', 'customer.vip', 'number'] as const;
    const value = (field: Field): fc.Arbitrary<CanonicalValue> => {
      switch (field.type.kind) {
        case 'boolean':
          return fc.boolean();
        case 'int':
          return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
        case 'long':
          return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
        case 'decimal':
          return fc
            .bigInt({ min: 0n, max: 10n ** 12n - 1n })
            .map((cents) => `${cents / 100n}.${String(cents % 100n).padStart(2, '0')}`);
        default:
          return fc
            .oneof(
              fc.string({ unit: 'binary', maxLength: 40 }),
              fc.constantFrom('null', '\\', ',', '\\null', 'a\\,b', ''),
            )
            .map((text) => text.replaceAll('\u0000', '').replace(/ +$/, ''));
      }
    };
    const filter = fc.constantFrom(...paths).chain((path) => {
      const field = fieldAt(path);
      return fc.constantFrom(...operatorsOf(field)).chain((operator) => {
        const one = ['gt', 'gte', 'lt', 'lte'].includes(operator) ? value(field) : fc.option(value(field));
        const values =
          operator === 'in' ? fc.array(one, { minLength: 1, maxLength: 4 }) : one.map((only) => [only]);
        return values.map((list) => ({ field, operator, values: list }));
      });
    });
    const sort = fc
      .subarray(['amount', 'pieces', 'customer.name', 'orderedOn'])
      .chain((chosen) =>
        fc.tuple(
          ...chosen.map((path) => fc.boolean().map((descending) => ({ field: fieldAt(path), descending }))),
        ),
      );
    const key = ['region', 'number'].map((path) => ({ field: fieldAt(path), descending: false }));
    fc.assert(
      fc.property(
        fc.record({
          filters: fc.array(filter, { maxLength: 4 }),
          sort: sort.map((terms) => [...terms, ...key]),
          limit: fc.integer({ min: 1, max: LIST_LIMIT.highest }),
          cursor: fc.option(fc.string()),
        }),
        (request: ListRequest) => {
          expect(parseListRequest(ordersPlan, printListRequest(request))).toEqual(request);
        },
      ),
    );
  });
});
