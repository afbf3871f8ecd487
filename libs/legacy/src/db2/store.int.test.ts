import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CanonicalDocument } from '#core/document';
import type { FieldType } from '#core/field-type';
import type { Field, Plan } from '#core/plan';
import type { ListQuery } from '#core/query';
import { systemClock } from '#observability/clock';
import { conformingReads, conformingWrites } from '#testing/conformance/documents';
import { migrateLegacy } from '../../../../migrations/legacy/run.ts';
import { Db2Catalogue } from './catalogue.ts';
import { type Db2Session, openSession } from './driver.ts';
import { Db2Store } from './store.ts';

/** By IBM's real driver, against the server that TEST_DB2_URL names: here the stand-in, with its capture. */
function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this test needs the server it names`);
  return value;
}

const url = needed('TEST_DB2_URL');
const connect = needed('TEST_DB2_CONNECT_URL');
const run = randomUUID().slice(0, 8).toUpperCase();
const connector = `store-${run}`;

function field(path: string, type: FieldType, more: Partial<Field> = {}): Field {
  const column = path.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  return { path, segments: [path], column, type, required: false, readOnly: false, ...more };
}

const text = (length: number): FieldType => ({ kind: 'string', trim: true, length });

const plan: Plan = {
  ...{ unit: 'things', owner: 'o', description: 'd', mode: 'RW', system: 'plant' },
  version: { kind: 'column', column: 'ROW_VERSION' },
  topic: `t.FICUS.THING_${run}`,
  collection: 'things',
  root: {
    table: `FICUS.THING_${run}`,
    key: ['ID', 'SITE'],
    ignore: [],
    fields: [
      field('id', { kind: 'long' }),
      field('site', text(4)),
      field('name', text(40)),
      field('code', { kind: 'string', trim: false, length: 20 }),
      field('cost', { kind: 'decimal', precision: 31, scale: 2 }),
      field('weight', { kind: 'double' }),
      field('ratio', { kind: 'float' }),
      field('live', { kind: 'boolean' }),
      field('madeOn', { kind: 'date' }),
      field('opens', { kind: 'time', precision: 0 }),
      field('seenAt', { kind: 'timestamp', precision: 6 }),
      field('mark', { kind: 'bytes' }, { readOnly: true }),
      field('rowVersion', { kind: 'long' }, { readOnly: true }),
    ],
  },
  embeds: [
    {
      path: 'steps',
      topic: `t.FICUS.STEP_${run}`,
      table: `FICUS.STEP_${run}`,
      parentKey: ['ID', 'SITE'],
      cardinality: 'many',
      key: ['LINE'],
      ignore: [],
      fields: [field('line', { kind: 'int' }), field('note', text(20))],
    },
  ],
  truncate: 'hold',
  reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
  levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 0.05 },
};

const THING: CanonicalDocument = {
  root: {
    id: '9007199254740993',
    site: 'A',
    name: 'zażółć 日本 "q"',
    code: 'a ',
    cost: '-12345678901234567890123456789.05',
    weight: 0.1,
    ratio: 5.794265e7,
    live: true,
    madeOn: '2024-02-29',
    opens: '08:30:00',
    seenAt: '2024-02-29T23:59:59.999999',
  },
  embeds: {
    steps: [
      { line: 2, note: 'two' },
      { line: 10, note: null },
    ],
  },
};
const KEY = ['9007199254740993', 'A'];

let admin: Db2Session;
let sut: Db2Store;

beforeAll(async () => {
  admin = await openSession(url);
  await migrateLegacy('plant', { kind: 'db2', url });
  const thing = plan.root.table;
  for (const statement of [
    `CREATE SEQUENCE FICUS.VERSION_${run} AS BIGINT START WITH 1`,
    `CREATE TABLE ${thing} (ID BIGINT NOT NULL, SITE CHAR(4) NOT NULL, NAME VARCHAR(40), CODE VARCHAR(20), COST DECIMAL(31,2), WEIGHT DOUBLE, RATIO REAL,
       LIVE BOOLEAN, MADE_ON DATE, OPENS TIME, SEEN_AT TIMESTAMP, MARK CHAR(3) FOR BIT DATA, ROW_VERSION BIGINT, PRIMARY KEY (ID, SITE))`,
    `CREATE TABLE FICUS.STEP_${run} (ID BIGINT NOT NULL, SITE CHAR(4) NOT NULL, LINE INTEGER NOT NULL, NOTE VARCHAR(20),
       PRIMARY KEY (ID, SITE, LINE), CONSTRAINT STEP_OF_${run} FOREIGN KEY (ID, SITE) REFERENCES ${thing} (ID, SITE))`,
    `CREATE TRIGGER FICUS.MADE_${run} AFTER INSERT ON ${thing} REFERENCING NEW AS N FOR EACH ROW
       UPDATE ${thing} SET ROW_VERSION = NEXT VALUE FOR FICUS.VERSION_${run} WHERE ID = N.ID AND SITE = N.SITE`,
    `CREATE TRIGGER FICUS.CHANGED_${run} AFTER UPDATE OF NAME, COST ON ${thing} REFERENCING NEW AS N FOR EACH ROW
       UPDATE ${thing} SET ROW_VERSION = NEXT VALUE FOR FICUS.VERSION_${run} WHERE ID = N.ID AND SITE = N.SITE`,
  ]) {
    await admin.execute(statement);
  }
  sut = new Db2Store('plant', { url, connect, connector }, systemClock);
});

afterAll(async () => {
  await fetch(`${connect}/connectors/${connector}`, { method: 'DELETE' });
  await sut.close();
  await admin.close();
});

beforeEach(async () => {
  await admin.execute(`DELETE FROM FICUS.STEP_${run}`);
  await admin.execute(`DELETE FROM ${plan.root.table}`);
});

/** Without what the database itself puts in. */
function sent(document: CanonicalDocument | null | undefined): CanonicalDocument | null {
  if (!document) return null;
  const { rowVersion, mark, ...root } = document.root;
  return { ...document, root };
}

async function insert(document: CanonicalDocument = THING): Promise<CanonicalDocument> {
  const result = await sut.write(plan, { kind: 'insert', document });
  if (result.kind !== 'done' || result.document === null)
    throw new Error(`an insert answered ${result.kind}`);
  return result.document;
}

describe('a document', () => {
  it('is written and read whole and exact', async () => {
    const written = await insert();
    expect(sent(written)).toEqual(THING);
    expect(await sut.readOne(plan, KEY)).toEqual(written);
    expect(await sut.count(plan)).toBe(1);
    expect(await sut.countRows(`FICUS.STEP_${run}`)).toBe(2);
    await admin.execute(`UPDATE ${plan.root.table} SET MARK = X'00FF10'`);
    expect((await sut.readOne(plan, KEY))?.root['mark']).toBe('AP8Q');
  });

  it('that is not there is missing', async () => {
    expect(await sut.readOne(plan, KEY)).toBe(null);
    expect(await sut.readMarked(plan, [])).toEqual([]);
    expect(await sut.write(plan, { kind: 'delete', key: KEY })).toEqual({ kind: 'missing' });
  });

  it('whose key differs in blanks at its end is another one', async () => {
    await insert();
    const untrimmed = plan.root.fields.map((one) =>
      one.path === 'site' ? { ...one, type: { kind: 'string', trim: false, length: 4 } as const } : one,
    );
    const padded = { ...plan, root: { ...plan.root, fields: untrimmed } };
    expect(await sut.readOne(padded, KEY)).toBe(null);
    expect(await sut.write(padded, { kind: 'delete', key: KEY })).toEqual({ kind: 'missing' });
    expect(await sut.write(padded, { kind: 'patch', key: KEY, root: {}, embeds: {} })).toEqual({
      kind: 'missing',
    });
    const found = await sut.readOne(padded, [THING.root['id'] ?? null, 'A   ']);
    expect(found?.root['site']).toBe('A   ');
    expect(await sut.count(plan)).toBe(1);
  });

  it('is replaced, patched and deleted, with the version that its trigger draws', async () => {
    const before = BigInt(String((await insert()).root['rowVersion']));
    const root = { ...THING.root, name: 'new', cost: null };
    const replaced = await sut.write(plan, {
      kind: 'replace',
      key: KEY,
      document: { root, embeds: { steps: [{ line: 10, note: 'x' }] } },
    });
    if (replaced.kind !== 'done') throw new Error('missing');
    expect(sent(replaced.document)).toEqual({ root, embeds: { steps: [{ line: 10, note: 'x' }] } });
    expect(replaced.position).toBeGreaterThan(before);
    const patched = await sut.write(plan, { kind: 'patch', key: KEY, root: { live: false }, embeds: {} });
    expect(patched.kind === 'done' && sent(patched.document)).toEqual({
      root: { ...root, live: false },
      embeds: { steps: [{ line: 10, note: 'x' }] },
    });
    const deleted = await sut.write(plan, { kind: 'delete', key: KEY });
    expect(deleted).toMatchObject({ kind: 'done', document: null });
    expect(await sut.countRows(`FICUS.STEP_${run}`)).toBe(0);
  });

  it('refused by the database leaves nothing behind, and says why', async () => {
    await insert();
    await expect(insert()).rejects.toMatchObject({ code: 'document_exists' });
    const long = { ...THING, root: { ...THING.root, id: '1', name: 'x'.repeat(41) } };
    await expect(insert(long)).rejects.toMatchObject({
      code: 'legacy_constraint',
      retryable: false,
      message: expect.stringContaining('system plant'),
      faults: [{ pointer: '/name', message: expect.stringContaining('at most 40 bytes, and it has 41') }],
    });
    await expect(
      sut.write(plan, {
        kind: 'patch',
        key: KEY,
        root: {},
        embeds: { steps: [{ line: 1, note: 'x'.repeat(21) }] },
      }),
    ).rejects.toMatchObject({ faults: [{ pointer: '/steps/0/note' }] });
    const twice = {
      root: { ...THING.root, id: '2' },
      embeds: {
        steps: [
          { line: 1, note: 'x' },
          { line: 1, note: 'y' },
        ],
      },
    };
    await expect(insert(twice)).rejects.toMatchObject({ code: 'value_invalid' });
    expect(await sut.count(plan)).toBe(1);
  });

  it('has a mark that changes with it and its children, and only then', async () => {
    await insert();
    const mark = async (): Promise<string> => (await sut.readMarked(plan, [KEY]))[0]?.mark ?? '';
    const first = await mark();
    expect(await mark()).toBe(first);
    await admin.execute(`UPDATE FICUS.STEP_${run} SET NOTE = 'other' WHERE LINE = 10`);
    expect(await mark()).not.toBe(first);
  });
});

describe('a list', () => {
  it('goes through every row once, page by page, nulls in their place, both ways', async () => {
    const names = ['b', null, 'a', 'Z', null, 'é'];
    for (const [index, name] of names.entries()) {
      await insert({ root: { ...THING.root, id: String(index), name }, embeds: { steps: [] } });
    }
    const [id, , name] = plan.root.fields;
    if (id === undefined || name === undefined) throw new Error('no fields');
    for (const descending of [false, true]) {
      const sort = [
        { field: name, descending },
        { field: id, descending },
      ];
      const seen: unknown[] = [];
      for (let after: ListQuery['after'] = null, more = true; more; ) {
        const page = await sut.list(plan, { filters: [], sort, limit: 2, after });
        seen.push(...page.documents.map(({ root }) => root['name']));
        const last = page.documents.at(-1);
        after = [last?.root['name'] ?? null, last?.root['id'] ?? null];
        more = page.more;
      }
      const expected = [null, null, 'Z', 'a', 'b', 'é'];
      expect(seen).toEqual(descending ? expected.reverse() : expected);
    }
    const filtered = await sut.list(plan, {
      filters: [{ field: name, operator: 'in', values: [null, 'a'] }],
      sort: [{ field: id, descending: false }],
      limit: 10,
      after: null,
    });
    expect(filtered.documents.map(({ root }) => root['id'])).toEqual(['1', '2', '4']);
  });
});

describe('the log', () => {
  it('gives a mark above all that is committed, which the connector reaches', async () => {
    const config = { 'topic.prefix': connector, 'table.include.list': '', 'snapshot.mode': 'no_data' };
    await fetch(`${connect}/connectors/${connector}/config`, { method: 'PUT', body: JSON.stringify(config) });
    await expect.poll(() => sut.mark().catch(() => null), { timeout: 20_000 }).not.toBe(null);
    const first = await sut.mark();
    const second = await sut.mark();
    expect(String(first) < String(second)).toBe(true);
    expect(String(first)).toMatch(/^[0-9a-f]{32}\/0{32}$/);
    await expect.poll(() => sut.captured(second), { timeout: 20_000 }).toBe(true);
    expect(await sut.captured('f'.repeat(32))).toBe(false);
    expect(Math.abs((await sut.now()) - Date.now())).toBeLessThan(5_000);
    await sut.signalSnapshot(`s-${run}`, [plan.root.table]);
    await sut.signalSnapshot(`s-${run}`, [plan.root.table]);
  });
});

describe('the catalogue', () => {
  it('describes a table, its key and who refers to it', async () => {
    const catalogue = new Db2Catalogue('plant', url, systemClock);
    const table = await catalogue.describe(plan.root.table);
    expect(table.primaryKey).toEqual(['ID', 'SITE']);
    expect(table.columns.find(({ name }) => name === 'COST')).toMatchObject({
      type: 'DECIMAL',
      precision: 31,
      scale: 2,
      nullable: true,
    });
    expect(table.columns.find(({ name }) => name === 'SITE')).toMatchObject({
      type: 'CHARACTER',
      length: 4,
      nullable: false,
    });
    expect(table.referencedBy).toEqual([
      {
        table: `FICUS.STEP_${run}`,
        columns: ['ID', 'SITE'],
        references: plan.root.table,
        referencedColumns: ['ID', 'SITE'],
      },
    ]);
    await expect(catalogue.describe('FICUS.NOPE')).rejects.toMatchObject({ code: 'value_invalid' });
    await catalogue.close();
  });
});

describe('a server that is not there', () => {
  it('is named, and worth another try', async () => {
    const away = new Db2Store(
      'plant',
      { url: url.replace(/PORT=\d+/, 'PORT=1'), connect, connector },
      systemClock,
    );
    await expect(away.ping()).rejects.toMatchObject({ code: 'legacy_unavailable', retryable: true });
    await away.close();
  });
});

describe('as every store of its port does', () => {
  const blank = Object.fromEntries(
    plan.root.fields.filter((one) => !one.readOnly).map(({ path }) => [path, null]),
  );
  const documents: readonly CanonicalDocument[] = [
    THING,
    { root: { ...blank, id: '-9223372036854775807', site: 'A', name: 'Z' }, embeds: { steps: [] } },
    {
      root: { ...blank, id: '10', site: 'a', name: '', cost: '0.10', live: false, madeOn: '0001-01-01' },
      embeds: { steps: [{ line: 1, note: 'é' }] },
    },
    // What a padded or a UTF-16 comparison takes for something else.
    ...['a', 'a\t', 'a  ', 'A', '', '\uffee', '😀'].map((code, at) => ({
      root: { ...blank, id: `2${at}`, site: 'A', code, name: code.replace(/ +$/, '') },
      embeds: { steps: [] },
    })),
  ];
  const open = () => ({
    plan,
    store: sut,
    documents,
    fill: async () => {
      for (const document of documents) await insert(document);
    },
  });
  conformingReads(open);
  conformingWrites(open);
});
