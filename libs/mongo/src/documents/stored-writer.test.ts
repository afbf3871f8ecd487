import { BSON, type Document, Long } from 'mongodb';
import { describe, expect, it } from 'vitest';
import type { StoredDocument } from '#core/apply';
import type { Plan } from '#core/plan';
import { field, ordersPlan } from '#testing/orders-plan';
import { aRow } from '#testing/stored-documents';
import { BsonWriter, nameOf } from '../bson-writer.ts';
import { BSON_OPTIONS } from './bson.ts';
import { readStored } from './stored.ts';
import { StoredWriter } from './stored-writer.ts';

/** Of few fields, two of them in one sub-document with another one in between. */
const plan: Plan = {
  ...ordersPlan,
  root: {
    ...ordersPlan.root,
    fields: [
      field('region', { kind: 'string', trim: true, length: 4 }),
      field('customer.name', { kind: 'string', trim: true, length: 40 }),
      field('number', { kind: 'long' }),
      field('customer.vip', { kind: 'boolean' }),
      field('note', { kind: 'string', trim: false, length: null }),
    ],
  },
};
const TERM = 7;

function written(write: (writer: StoredWriter) => void, of = plan): Document {
  const out = new BsonWriter();
  write(new StoredWriter(out, of, TERM));
  return BSON.deserialize(out.bytes, BSON_OPTIONS);
}
const whole = (document: StoredDocument, of = plan) => written((writer) => writer.whole(document), of);
function update(document: StoredDocument): Document {
  const out = new BsonWriter();
  const from = out.open();
  new StoredWriter(out, plan, TERM).update(nameOf('u'), document);
  out.close(from);
  return BSON.deserialize(out.bytes, BSON_OPTIONS)['u'] as Document;
}

const content = { region: 'EU', number: '12', 'customer.name': 'Ann', 'customer.vip': true, note: null };
const document: StoredDocument = {
  ...{ key: ['EU', '12'], revision: null, root: aRow(content), embeds: {}, committedAt: 1_767_225_600_000 },
};
const line = (lineNo: number) => ({ number: '12', lineNo, article: 'A', price: null });
const address = (addressId: number) => ({ addressId, street: 'S', city: null });
const dead = { live: false, digest: null };

const META = {
  ...{ live: true, e: 1, s: Long.fromString('4611686018427387905') },
  o: { i: 1, p: 3, n: Long.fromString('9007199254740993') },
  h: 'digest',
};
const ROOT_META = { n: 1, t: TERM, at: new Date(1_767_225_600_000), ...META };

describe('StoredWriter', () => {
  it('writes a new document with its fields nested as the plan has them, and null where there is nothing', () => {
    const found = whole(document);
    expect(found).toEqual({
      _id: { region: 'EU', number: Long.fromNumber(12) },
      region: 'EU',
      customer: { name: 'Ann', vip: true },
      number: Long.fromNumber(12),
      note: null,
      lines: [],
      address: null,
      _m: ROOT_META,
    });
    expect(Object.keys(found)).toEqual([
      '_id',
      'region',
      'customer',
      'number',
      'note',
      'lines',
      'address',
      '_m',
    ]);
  });

  it('names the key itself where it is one column', () => {
    const one = { ...plan, embeds: [], root: { ...plan.root, key: ['number'] } };
    expect(whole({ ...document, key: ['12'] }, one)['_id']).toEqual(Long.fromNumber(12));
  });

  it('changes mapped fields by their paths, and takes the mark of an unsound document away', () => {
    expect(update({ ...document, revision: 41 })).toEqual({
      $set: {
        ...{
          region: 'EU',
          'customer.name': 'Ann',
          number: Long.fromNumber(12),
          'customer.vip': true,
          note: null,
        },
        ...{ lines: [], address: null, _m: { ...ROOT_META, n: 42 } },
      },
      $unset: { _mend: true },
    });
  });

  it('leaves out what nobody has seen, and marks the document', () => {
    const { note: _, 'customer.name': __, 'customer.vip': ___, ...rest } = content;
    const incomplete = ['note', 'customer.name', 'customer.vip'];
    const root = aRow(rest, { incomplete, digest: null, doubtful: true, unmapped: { a: 2n ** 60n } });
    const { h: _h, ...meta } = ROOT_META;
    const state = { ...meta, miss: incomplete, doubt: true, x: '{"a":"1152921504606846976"}' };
    const found = whole({ ...document, root });
    expect(found).toEqual({
      ...{ _id: expect.anything(), region: 'EU', number: Long.fromNumber(12), lines: [], address: null },
      ...{ _m: state, _mend: true },
    });
    expect(update({ ...document, root })).toEqual({
      $set: { region: 'EU', number: Long.fromNumber(12), lines: [], address: null, _m: state, _mend: true },
    });
  });

  it('shows embedded rows in the order of their keys, one of a sub-document, and hides the others', () => {
    const rows = {
      lines: { '10': aRow(line(10)), '9': aRow(line(9)), '3': aRow({ lineNo: 3 }, dead) },
      address: { '2': aRow(address(2)), '1': aRow(address(1)) },
    };
    const found = whole({ ...document, embeds: rows });
    const { h: _, ...state } = META;
    expect(found['lines']).toEqual(
      [9, 10].map((no) => ({ ...line(no), number: Long.fromNumber(12), _m: META })),
    );
    expect(found['address']).toEqual({ ...address(1), _m: META });
    expect(found['_m'].gone).toEqual({
      lines: [{ lineNo: 3, _m: { ...state, live: false } }],
      address: [{ ...address(2), _m: META }],
    });
    expect(readStored(plan, found).embeds).toEqual(rows);
  });

  it('writes a parent whose row has not come yet, and positions that are texts', () => {
    const version = { epoch: 2, streamed: 'a/b', written: 'c/d', snapshot: 'e/f', log: null, counter: null };
    const rows = { lines: { '9': aRow(line(9), { version }) } };
    const found = whole({ ...document, root: null, committedAt: null, embeds: rows });
    expect(found['_m']).toEqual({ n: 1, t: TERM, live: false });
    expect(found['lines'][0]._m).toEqual({ live: true, e: 2, s: 'a/b', w: 'c/d', r: 'e/f', h: 'digest' });
  });
});
