import { beforeEach, describe, expect, it } from 'vitest';
import { RecordedSchemas, recorded } from '#testing/corpus';
import { aField, aPlan } from '#testing/plans';
import { avroSchema } from './avro.ts';
import { type DecodedRecord, PLAIN_FORM, RecordDecoder } from './decoder.ts';
import type { LogRecord } from './log-record.ts';
import { CachedSchemas } from './schema-registry.ts';

const ID_BYTES = 5;

let source: RecordedSchemas;
let sut: RecordDecoder;
let record: LogRecord & { readonly key: Buffer; readonly value: Buffer };

beforeEach(() => {
  source = new RecordedSchemas();
  sut = new RecordDecoder({ schemas: new CachedSchemas(source), form: () => PLAIN_FORM });
  const [first] = recorded('avro', 't_pk');
  const { key, value, headers: _, ...rest } = first ?? expect.fail('no record');
  record = { ...rest, key: key ?? expect.fail('no key'), value: value ?? expect.fail('no value') };
});

async function decode(given: LogRecord): Promise<DecodedRecord> {
  await sut.prepare([given], null);
  return sut.decode(given, 1, null);
}

describe('RecordDecoder of Avro', () => {
  it('asks for each schema once', async () => {
    const log = recorded('avro', 't_pk');
    await sut.prepare(log, null);
    await sut.prepare(log, null);
    expect(new Set(source.asked).size).toBe(source.asked.length);
    expect(source.asked.length).toBeGreaterThan(0);
  });

  it('reads a bare datum by the id in its header', async () => {
    const inHeaders: LogRecord = {
      ...record,
      key: record.key.subarray(ID_BYTES),
      value: record.value.subarray(ID_BYTES),
      headers: {
        __key_schema_id: record.key.subarray(0, ID_BYTES),
        __value_schema_id: [Buffer.from('overwritten'), record.value.subarray(0, ID_BYTES)],
      },
    };
    expect(await decode(inHeaders)).toEqual(await decode(record));
  });

  it('reads a bare datum by the GUID in its header', async () => {
    const byGuid = new RecordDecoder({
      schemas: new CachedSchemas({
        find: (reference) =>
          source.find({
            kind: 'id',
            id: reference.kind === 'guid' ? record.value.readInt32BE(1) : reference.id,
          }),
      }),
      form: () => PLAIN_FORM,
    });
    const header = Buffer.from('010102030405060708090a0b0c0d0e0f10', 'hex');
    const given = {
      ...record,
      value: record.value.subarray(ID_BYTES),
      headers: { __value_schema_id: header },
    };
    await byGuid.prepare([given], null);
    expect(byGuid.decode(given, 1, null)).toEqual(await decode(record));
  });

  it('takes each side for what it is', async () => {
    const mixed = { ...record, key: Buffer.from('{"schema":null,"payload":{"id":7}}') };
    expect(await decode(mixed)).toMatchObject({ kind: 'change', event: { key: { id: { value: 7 } } } });
  });

  it('waits for a schema that the registry does not know, or not yet', async () => {
    const value = Buffer.from(record.value);
    value.writeInt32BE(99_999, 1);
    await expect(sut.prepare([record, { ...record, value }], null)).rejects.toMatchObject({
      code: 'registry_unavailable',
      retryable: true,
    });
  });

  it.each<[string, (value: Buffer) => Buffer, RegExp]>([
    ['cut off', (value) => value.subarray(0, 30), /value: not Avro of its schema/],
    ['cut off within the id', (value) => value.subarray(0, 3), /value: a byte 0 and 2 more/],
    [
      'longer than its schema',
      (value) => Buffer.concat([value, Buffer.from([1])]),
      /value: not Avro of its schema/,
    ],
    [
      'of another magic byte',
      (value) => Buffer.concat([Buffer.from([1]), value.subarray(1)]),
      /value: not (UTF-8|JSON)/,
    ],
    ['empty', () => Buffer.alloc(0), /value: not JSON/],
  ])('refuses a value that is %s', async (_what, change, says) => {
    const given = { ...record, value: change(record.value) };
    const decoded = decode(given);
    await expect(decoded).rejects.toThrow(says);
    await expect(decoded).rejects.toMatchObject({ code: 'event_unparsable', retryable: false });
  });
});

/** A table with names that Avro cannot spell, by the schemas that its connector registered. */
describe('adjusted names', () => {
  const [amount] = aPlan().root.fields;
  const plan = aPlan({
    topic: 'corpus_avro.public.MixedCase',
    root: {
      table: 'public.MixedCase',
      key: ['Id'],
      fields: ['Id', 'weird col', 'ünïcode', '1st'].map((column, index) => ({
        ...(amount ?? aField('x', { kind: 'int' })),
        path: `f${index}`,
        column,
      })),
      ignore: ['dash-col'],
    },
  });

  async function columnsOf(id: number, names: readonly string[], adjustedNames: boolean) {
    const schema = await source.find({ kind: 'id', id });
    const after = Object.fromEntries(
      names.map((name) => [name, name === 'Id' || /st$|dash/.test(name) ? 1 : name]),
    );
    const position = { lsn: 1, xmin: null, txId: 1, sequence: null };
    const times = { ts_ms: 1, ts_us: 1, ts_ns: 1 };
    const datum = schema.type.toBuffer({
      before: null,
      after,
      source: {
        ...{ version: '3', connector: 'postgresql', name: 'corpus_avro', snapshot: 'false', db: 'corpus' },
        ...{ schema: 'public', table: 'MixedCase', ...position, ...times },
      },
      transaction: null,
      op: 'c',
      ...times,
    });
    const head = Buffer.alloc(ID_BYTES);
    head.writeInt32BE(id, 1);
    const given = { ...record, topic: plan.topic, value: Buffer.concat([head, datum]) };
    const adjusting = new RecordDecoder({
      schemas: new CachedSchemas(source),
      form: () => ({ ...PLAIN_FORM, adjustedNames }),
    });
    await adjusting.prepare([given], plan);
    const decoded = adjusting.decode(given, 1, plan);
    return decoded.kind === 'change' ? Object.keys(decoded.event.after ?? {}) : [];
  }

  it.each([
    ['snapshot', 3, ['Id', 'weird_col', '_n_code', '_1st', 'dash_col']],
    ['streamed', 70, ['Id', 'weird_col', '__n__code', '_1st', 'dash_col']],
  ])('of %s rows are those of the plan again', async (_kind, id, names) => {
    // The connector may have been given another format since.
    for (const adjusted of [true, false])
      expect(await columnsOf(id, names, adjusted)).toEqual(['Id', 'weird col', 'ünïcode', '1st', 'dash-col']);
  });

  it.each([
    { adjustedNames: true, expected: ['Id', 'weird col'] },
    { adjustedNames: false, expected: ['Id', 'weird_col'] },
  ])('are in JSON what the connector says: $adjustedNames', ({ adjustedNames, expected }) => {
    const json = new RecordDecoder({ schemas: null, form: () => ({ ...PLAIN_FORM, adjustedNames }) });
    const value = {
      op: 'c',
      after: { Id: 1, weird_col: 'x' },
      source: { schema: 'public', table: 'MixedCase' },
    };
    const given = { ...record, topic: plan.topic, key: null, value: Buffer.from(JSON.stringify(value)) };
    const decoded = json.decode(given, 1, plan);
    expect(decoded.kind === 'change' ? Object.keys(decoded.event.after ?? {}) : []).toEqual(expected);
  });
});

describe('a converter that sends defaults in place of NULL', () => {
  const SCHEMA = avroSchema(
    JSON.stringify({
      type: 'record',
      name: 'Key',
      fields: [
        { name: 'qty', type: [{ type: 'int', 'connect.default': 5 }, 'null'], default: 5 },
        { name: 'raw', type: ['bytes', 'null'], default: '\u00ff\u0001' },
        { name: 'must', type: 'int', default: 5 },
      ],
    }),
  );
  const key = (qty: number) =>
    Buffer.concat([
      Buffer.alloc(ID_BYTES),
      SCHEMA.type.toBuffer({ qty, raw: Buffer.from([255, 1]), must: 5 }),
    ]);

  it.each([
    { nullsReplaced: true, doubted: ['qty', 'raw'] },
    { nullsReplaced: false, doubted: [] },
  ])(
    'leaves the value in doubt where it might be NULL: $nullsReplaced',
    async ({ nullsReplaced, doubted }) => {
      const doubting = new RecordDecoder({
        schemas: new CachedSchemas({ find: async () => SCHEMA }),
        form: () => ({ ...PLAIN_FORM, nullsReplaced }),
      });
      const value = Buffer.from('{"op":"c","after":{},"source":{"schema":"s","table":"t"}}');
      const doubts = async (qty: number) => {
        const given = { ...record, key: key(qty), value };
        await doubting.prepare([given], null);
        const decoded = doubting.decode(given, 1, null);
        const row = decoded.kind === 'change' ? (decoded.event.key ?? {}) : {};
        return Object.keys(row).filter((name) => row[name]?.doubt !== undefined);
      };
      expect(await doubts(5)).toEqual(doubted);
      expect(await doubts(6)).toEqual(doubted.filter((name) => name !== 'qty'));
    },
  );
});
