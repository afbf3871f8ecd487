import { describe, expect, it } from 'vitest';
import { field, ordersPlan } from '#testing/orders-plan';
import { FicusError } from './errors.ts';
import { parseJson } from './json-text.ts';
import type { Plan } from './plan.ts';
import { renderDocument } from './render.ts';
import { patchNeedsCurrent, readDocument, readPatch } from './request-body.ts';

const key = ['EU', '7'];
const least = { region: 'EU', number: '7', customer: { name: 'Ada' }, amount: '1.5' };

function faultsOf(read: () => unknown): Readonly<Record<string, string>> {
  try {
    read();
    return {};
  } catch (error) {
    expect(error).toBeInstanceOf(FicusError);
    expect((error as FicusError).code).toBe('body_invalid');
    return Object.fromEntries((error as FicusError).faults.map(({ pointer, message }) => [pointer, message]));
  }
}

const create = (body: object): ReturnType<typeof readDocument> =>
  readDocument(ordersPlan, parseJson(JSON.stringify(body)), null);
const replace = (body: object): ReturnType<typeof readDocument> =>
  readDocument(ordersPlan, parseJson(JSON.stringify(body)), key);
const patch = (body: object, current: object | null = null): ReturnType<typeof readPatch> =>
  readPatch(ordersPlan, parseJson(JSON.stringify(body)), key, parseJson(JSON.stringify(current)));

describe('readDocument', () => {
  it('reads the least that is demanded, and leaves absent members to the database', () => {
    expect(create(least)).toEqual({
      root: { region: 'EU', number: '7', 'customer.name': 'Ada', amount: '1.50' },
      embeds: { lines: [], address: [] },
    });
  });

  it('reads embedded rows in the order of their key, with what they repeat of the parent', () => {
    const lines = [
      { lineNo: 2, article: 'B', price: null },
      { lineNo: 1, article: 'A', number: '7' },
    ];
    const { embeds } = create({ ...least, lines, address: { addressId: 5, street: 'Main' } });
    expect(embeds).toEqual({
      lines: [
        { number: '7', lineNo: 1, article: 'A' },
        { number: '7', lineNo: 2, article: 'B', price: null },
      ],
      address: [{ addressId: 5, street: 'Main' }],
    });
  });

  it('takes what a GET answered as a PUT, without the members that only the database sets', () => {
    const root = {
      region: 'EU',
      number: '7',
      'customer.name': 'Ada',
      'customer.vip': true,
      amount: '1.50',
      pieces: 3,
      weight: 0.1,
      ratio: 0.1,
      orderedOn: '2026-02-28',
      opensAt: '08:00:00',
      storedAt: '2026-02-28T08:00:00.123',
      changedAt: '2026-02-28T08:00:00.123456Z',
      token: '0f8fad5b-d9cb-469f-a165-70867728950e',
      picture: 'QQ==',
      extra: '{"a": 1}',
      note: 'trailing  ',
    };
    const embeds = {
      lines: [{ number: '7', lineNo: 1, article: 'A', price: '2.00' }],
      address: [{ addressId: 5, street: 'Main', city: null }],
    };
    const shown = renderDocument(ordersPlan, { root: { ...root, rowVersion: '99' }, embeds });
    expect(replace(shown)).toEqual({ root, embeds });
  });

  it('takes the key from the path when the body has none', () => {
    const { region: _region, number: _number, ...rest } = least;
    expect(replace(rest).root).toMatchObject({ region: 'EU', number: '7' });
  });

  interface Case {
    readonly why: string;
    readonly body: object;
    readonly faults: Readonly<Record<string, string>>;
  }
  const legal = 'is not legal here';
  const cases: readonly Case[] = [
    { why: 'an array', body: [], faults: { '': `an array ${legal}; legal is an object` } },
    {
      why: 'an empty object',
      body: {},
      faults: {
        '/region': 'is required',
        '/number': 'is required',
        '/customer/name': 'is required',
        '/amount': 'is required',
      },
    },
    {
      why: 'a group that is no object',
      body: { ...least, customer: 'Ada' },
      faults: { '/customer': `"Ada" ${legal}` },
    },
    {
      why: 'a null group with a demanded member',
      body: { ...least, customer: null },
      faults: { '/customer/name': 'must not be null' },
    },
    {
      why: 'null in a demanded member',
      body: { ...least, amount: null },
      faults: { '/amount': 'must not be null' },
    },
    {
      why: 'unknown members',
      body: { ...least, 'a/b~': 1, customer: { name: 'Ada', age: 1 } },
      faults: { '/a~1b~0': 'no such member', '/customer/age': 'no such member; legal are name, vip' },
    },
    {
      why: 'a dotted path as a member',
      body: { ...least, 'customer.vip': true },
      faults: { '/customer.vip': 'no such member' },
    },
    {
      why: 'numbers for exact values',
      body: { ...least, number: 7, amount: 1.5 },
      faults: {
        '/number': 'the number 7 is not legal here; legal is the string "7"',
        '/amount': 'legal is the string "1.5"',
      },
    },
    { why: 'a number for a text', body: { ...least, note: 7 }, faults: { '/note': 'the number 7' } },
    {
      why: 'a fraction for an int',
      body: { ...least, pieces: 1.5 },
      faults: { '/pieces': '1.5 is not legal here; legal is an integer' },
    },
    { why: 'a text for an int', body: { ...least, pieces: '1' }, faults: { '/pieces': '"1" is not legal' } },
    {
      why: 'an object for a value',
      body: { ...least, orderedOn: {} },
      faults: { '/orderedOn': `an object ${legal}; legal is a date` },
    },
    {
      why: 'too many digits',
      body: { ...least, amount: '12345678901.00' },
      faults: { '/amount': '12 digits, 2 after the point' },
    },
    {
      why: 'a text that is too long',
      body: { ...least, region: 'EUROPE' },
      faults: { '/region': 'at most 4 characters' },
    },
    {
      why: 'no array of rows',
      body: { ...least, lines: {} },
      faults: { '/lines': 'legal is an array of objects' },
    },
    {
      why: 'faulty rows',
      body: {
        ...least,
        lines: [
          { lineNo: 1, article: 'A' },
          { lineNo: 1, article: 'B' },
          { article: 'C', x: 1 },
          'D',
          { lineNo: 4, article: 'E', number: '8' },
        ],
      },
      faults: {
        '/lines/1': 'has the same key as /lines/0: 1',
        '/lines/2/x': 'no such member',
        '/lines/2/lineNo': 'is required',
        '/lines/3': '"D" is not legal here; legal is an object',
        '/lines/4/number': `"8" is not the parent's "7"`,
      },
    },
    {
      why: 'a faulty sub-document',
      body: { ...least, address: { city: 1 } },
      faults: {
        '/address/addressId': 'is required',
        '/address/street': 'is required',
        '/address/city': 'the number 1',
      },
    },
  ];
  it.each(cases)('names each fault of $why', ({ body, faults }) => {
    const found = faultsOf(() => create(body));
    expect(Object.keys(found).sort()).toEqual(Object.keys(faults).sort());
    for (const [pointer, message] of Object.entries(faults)) expect(found[pointer]).toContain(message);
  });

  it('shows a number as it was written', () => {
    const body = parseJson(`{"pieces": 12345678901234567890, "weight": 1e999}`);
    const found = faultsOf(() => readPatch(ordersPlan, body, key, null));
    expect(found['/pieces']).toContain('12345678901234567890');
    expect(found['/weight']).toContain('1e999');
  });

  it('refuses a key that is not the one of the path', () => {
    expect(faultsOf(() => replace({ ...least, number: '8' }))).toEqual({
      '/number': `"8" is not the path's "7"`,
    });
  });

  it('is not fooled by names of the language', () => {
    const found = faultsOf(() =>
      readDocument(ordersPlan, parseJson('{"__proto__": {"region": "EU"}, "constructor": 1}'), key),
    );
    expect(found).toMatchObject({ '/__proto__': expect.anything(), '/constructor': expect.anything() });
  });
});

describe('readPatch', () => {
  it('holds only what the patch names', () => {
    expect(patch({ pieces: 4, customer: { vip: null } })).toEqual({
      root: { pieces: 4, 'customer.vip': null },
      embeds: {},
    });
  });

  it('leaves out the key and what only the database sets', () => {
    expect(patch({ region: 'EU', rowVersion: '1' })).toEqual({ root: {}, embeds: {} });
    expect(faultsOf(() => patch({ region: 'US' }))).toHaveProperty('/region');
  });

  it('removes an optional member and refuses to remove a demanded one', () => {
    expect(patch({ pieces: null }).root).toEqual({ pieces: null });
    expect(faultsOf(() => patch({ amount: null, customer: null }))).toEqual({
      '/amount': 'must not be null',
      '/customer/name': 'must not be null',
    });
  });

  it('replaces arrays whole and demands whole rows', () => {
    expect(patch({ lines: [] }).embeds).toEqual({ lines: [] });
    expect(patch({ lines: null }).embeds).toEqual({ lines: [] });
    expect(faultsOf(() => patch({ lines: [{ lineNo: 1 }] }))).toEqual({ '/lines/0/article': 'is required' });
  });

  it('merges a sub-document into the one that is there', () => {
    const current = { address: { addressId: 5, street: 'Main', city: 'Ulm' } };
    expect(patch({ address: { city: null } }, current).embeds).toEqual({
      address: [{ addressId: 5, street: 'Main', city: null }],
    });
    expect(patch({ address: null }, current).embeds).toEqual({ address: [] });
    expect(faultsOf(() => patch({ address: { city: 'Ulm' } }, {}))).toHaveProperty('/address/street');
  });

  it('needs the document only for a part of a sub-document', () => {
    const needs = (body: string): boolean => patchNeedsCurrent(ordersPlan, parseJson(body));
    expect(['{"address":{}}', '{"address":null}', '{"lines":[]}', '[]'].map(needs)).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('an array', () => {
  const fields = [...ordersPlan.root.fields, field('tags', { kind: 'array', of: { kind: 'long' } })];
  const tagged: Plan = { ...ordersPlan, root: { ...ordersPlan.root, fields }, embeds: [] };
  const tags = (value: string) => readPatch(tagged, parseJson(`{"tags":${value}}`), key, null).root.tags;

  it('is replaced whole, nulls among its elements', () => {
    expect(tags('["9007199254740993", null]')).toEqual(['9007199254740993', null]);
    expect(tags('[]')).toEqual([]);
    expect(tags('null')).toBeNull();
  });

  it.each([
    ['[5]', 'the number 5 is not legal here; legal is the string "5", since JSON numbers get rounded'],
    ['["1.5"]', '"1.5" is not legal here'],
    ['[["1"]]', 'an array is not legal here; legal is a long as a string'],
    ['"1"', '"1" is not legal here; legal is an array'],
    ['{}', 'an object is not legal here; legal is an array, such as ["9007199254740993"]'],
  ])('names what is wrong with %s', (value, says) => {
    expect(faultsOf(() => tags(value))).toEqual({ '/tags': expect.stringContaining(says) });
  });
});

describe('a key of one field', () => {
  const single: Plan = { ...ordersPlan, root: { ...ordersPlan.root, key: ['region'] }, embeds: [] };
  it.each(['  ', '.', '..'])('must not be "%s", for then no address names the document', (region) => {
    const faults = faultsOf(() => readDocument(single, parseJson(JSON.stringify({ region })), null));
    expect(faults).toHaveProperty('/region', expect.stringContaining('no address could name the document'));
  });
});
