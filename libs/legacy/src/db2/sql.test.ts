import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import type { FieldType } from '#core/field-type';
import type { Embed, Field, Plan } from '#core/plan';
import type { Filter, ListQuery, SortTerm } from '#core/query';
import { committedOffset, positionText } from './capture-position.ts';
import { type Column, columnOf, readColumn, shapeOf } from './columns.ts';
import { assigned, operand, readable } from './expression.ts';
import { lockRoot, selectByKeys, selectChildren, selectPage } from './read-sql.ts';
import { mapError, stateOf } from './sqlstate.ts';
import { identifier, joined, Sql, sql, tableName } from './statement.ts';
import { deleteDocument, insertRoot, updateDocument } from './write-sql.ts';

function column(name: string, type: string, more: Partial<Column> = {}): Column {
  return {
    ...{ name, type, length: 10, scale: 0, bits: false },
    ...{ nullable: true, hasDefault: false, identity: false, generated: false },
    ...more,
  };
}

function field(path: string, name: string, type: FieldType): Field {
  return { path, segments: [path], column: name, type, required: false, readOnly: false };
}

const id = field('id', 'ID', { kind: 'long' });
const site = field('site', 'SITE', { kind: 'string', trim: true, length: 4 });
const cost = field('cost', 'COST', { kind: 'decimal', precision: 9, scale: 2 });
const name = field('name', 'NAME', { kind: 'string', trim: true, length: 10 });
const step: Embed = {
  path: 'steps',
  topic: 't.S.STEP',
  table: 'S.STEP',
  parentKey: ['THING_ID', 'THING_SITE'],
  cardinality: 'many',
  key: ['LINE'],
  fields: [
    field('line', 'LINE', { kind: 'int' }),
    field('note', 'NOTE', { kind: 'string', trim: true, length: 10 }),
  ],
  ignore: [],
};
const plan: Plan = {
  ...{ unit: 'things', owner: 'o', description: 'd', mode: 'RW', system: 'plant', version: { kind: 'lsn' } },
  ...{ topic: 't.S.THING', collection: 'things', embeds: [step] },
  root: { table: 'S.THING', key: ['ID', 'SITE'], fields: [id, site, cost, name], ignore: [] },
  truncate: 'hold',
  reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
  levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 0.05 },
};
const columns = new Map([
  [
    'S.THING',
    [
      column('ID', 'BIGINT', { nullable: false }),
      column('SITE', 'CHARACTER', { nullable: false, length: 4 }),
      column('COST', 'DECIMAL', { length: 9, scale: 2 }),
      column('NAME', 'VARCHAR'),
    ],
  ],
  [
    'S.STEP',
    [
      column('THING_ID', 'BIGINT'),
      column('THING_SITE', 'CHARACTER', { length: 4 }),
      column('LINE', 'INTEGER'),
      column('NOTE', 'VARCHAR'),
    ],
  ],
]);
const shape = shapeOf(plan, columns);
const KEY = ['9007199254740993', 'A'];
const ROOT = '"ID" = CAST(? AS BIGINT) AND "SITE" = CAST(? AS VARCHAR(256))';

describe('statements', () => {
  it('carry their parameters in the order of their question marks', () => {
    const inner = sql`a = ${new Sql('?', ['1'])}`;
    const outer = sql`SELECT ${'x'} WHERE ${joined([inner, sql`b = ${new Sql('?', ['2'])}`], ' OR ')} AND ${inner}`;
    expect(outer).toEqual(new Sql('SELECT x WHERE a = ? OR b = ? AND a = ?', ['1', '2', '1']));
    expect(identifier('A"B')).toBe('"A""B"');
    expect(tableName('S.THING')).toBe('"S"."THING"');
  });
});

describe('expressions', () => {
  it('read decimals and long integers as text', () => {
    expect(readable(column('C', 'DECIMAL'), 'F0')).toBe('TRIM(CHAR("C")) AS F0');
    expect(readable(column('C', 'BIGINT'), 'F0')).toBe('TRIM(CHAR("C")) AS F0');
    expect(readable(column('C', 'CHARACTER', { bits: true }), 'F0')).toBe('HEX("C") AS F0');
    expect(readable(column('C', 'DATE'), 'F0')).toBe('"C" AS F0');
  });

  interface Case {
    readonly type: string;
    readonly value: string | number | boolean;
    readonly compared: Sql;
    readonly stored: Sql;
  }
  const cases: readonly Case[] = [
    {
      type: 'VARCHAR',
      value: 'x',
      compared: new Sql('CAST(? AS VARCHAR(256))', ['x']),
      stored: new Sql('?', ['x']),
    },
    {
      type: 'VARCHAR',
      value: 'ż'.repeat(200),
      compared: new Sql('CAST(? AS VARCHAR(512))', ['ż'.repeat(200)]),
      stored: new Sql('?', ['ż'.repeat(200)]),
    },
    {
      type: 'SMALLINT',
      value: 70_000,
      compared: new Sql('CAST(? AS BIGINT)', ['70000']),
      stored: new Sql('CAST(? AS SMALLINT)', ['70000']),
    },
    {
      type: 'DECIMAL',
      value: '0.50',
      compared: new Sql('CAST(? AS DECIMAL(10, 0))', ['0.50']),
      stored: new Sql('CAST(? AS DECIMAL(10, 0))', ['0.50']),
    },
    {
      type: 'DOUBLE',
      value: 1.5,
      compared: new Sql('DOUBLE(CAST(? AS VARCHAR(40)))', ['1.5']),
      stored: new Sql('DOUBLE(CAST(? AS VARCHAR(40)))', ['1.5']),
    },
    {
      type: 'TIMESTAMP',
      value: '2026-01-02T03:04:05.123456',
      compared: new Sql('CAST(? AS TIMESTAMP)', ['2026-01-02 03:04:05.123456']),
      stored: new Sql('CAST(? AS TIMESTAMP)', ['2026-01-02 03:04:05.123456']),
    },
  ];
  it.each(cases)('$type $value', ({ type, value, compared, stored }) => {
    expect(operand(column('C', type), value)).toEqual(compared);
    expect(assigned(column('C', type), value)).toEqual(stored);
  });

  it('store null and the default as words, and refuse what cannot be written', () => {
    expect([assigned(column('C', 'DATE'), null).text, assigned(column('C', 'DATE'), undefined).text]).toEqual(
      ['NULL', 'DEFAULT'],
    );
    expect(() => assigned(column('C', 'VARCHAR', { bits: true }), 'AP8=')).toThrow(
      'column C is FOR BIT DATA',
    );
    expect(() => assigned(column('C', 'CLOB'), 'x')).toThrow(
      'column C is CLOB, which cannot be written or compared',
    );
  });
});

describe('reads', () => {
  it('lock what they read, by key, the children with their parent', () => {
    const found = selectByKeys(shape, [KEY]);
    expect(found.text).toBe(
      `SELECT TRIM(CHAR("ID")) AS F0, "SITE" AS F1, TRIM(CHAR("COST")) AS F2, "NAME" AS F3 FROM "S"."THING" WHERE (${ROOT}) WITH RS`,
    );
    expect(found.parameters).toEqual(KEY);
    expect(lockRoot(shape, KEY).text).toBe(`SELECT "ID" FROM "S"."THING" WHERE (${ROOT}) FOR UPDATE WITH RS`);
    const [embed] = shape.embeds;
    expect(embed === undefined ? '' : selectChildren(shape, embed, [KEY, KEY]).text).toContain(
      'SELECT TRIM(CHAR("THING_ID")) AS P0, "THING_SITE" AS P1, "LINE" AS F0',
    );
  });

  const sort = (of: Field, descending = false): SortTerm => ({ field: of, descending });
  const filter = (of: Field, operator: Filter['operator'], ...values: Filter['values']): Filter => ({
    field: of,
    operator,
    values,
  });
  const query = (more: Partial<ListQuery>): ListQuery => ({
    filters: [],
    sort: [sort(id)],
    limit: 2,
    after: null,
    ...more,
  });

  const HEX_OF_NAME = 'HEX(RTRIM("NAME"))';
  const HEX = 'HEX(VARCHAR(CAST(? AS VARCHAR(256))))';

  interface Case {
    readonly name: string;
    readonly query: ListQuery;
    readonly contains: string;
    readonly parameters: readonly string[];
  }
  const cases: readonly Case[] = [
    {
      name: 'one row more than asked for',
      query: query({}),
      contains: ' ORDER BY "ID" FETCH FIRST 3 ROWS ONLY WITH RS',
      parameters: [],
    },
    {
      name: 'nulls first, and last when descending',
      query: query({ sort: [sort(name), sort(cost, true)] }),
      contains:
        'ORDER BY CASE WHEN "NAME" IS NULL THEN 0 ELSE 1 END, HEX(RTRIM("NAME")), CASE WHEN "COST" IS NULL THEN 0 ELSE 1 END DESC, "COST" DESC FETCH',
      parameters: [],
    },
    {
      name: 'a page behind a value',
      query: query({ sort: [sort(name), sort(id)], after: ['n', '1'] }),
      contains: ` WHERE ((${HEX_OF_NAME} > ${HEX}) OR (("NAME" = CAST(? AS VARCHAR(256)) AND ${HEX_OF_NAME} = ${HEX}) AND "ID" > CAST(? AS BIGINT))) ORDER`,
      parameters: ['n', 'n', 'n', '1'],
    },
    {
      name: 'a page behind a null',
      query: query({ sort: [sort(name), sort(id)], after: [null, '1'] }),
      contains: ' WHERE (("NAME" IS NOT NULL) OR ("NAME" IS NULL AND "ID" > CAST(? AS BIGINT))) ORDER',
      parameters: ['1'],
    },
    {
      name: 'descending, behind a value, nulls follow',
      query: query({ sort: [sort(name, true)], after: ['n'] }),
      contains: ` WHERE (((${HEX_OF_NAME} < ${HEX} OR "NAME" IS NULL))) ORDER`,
      parameters: ['n'],
    },
    {
      name: 'filters, with null among the values',
      query: query({
        filters: [
          filter(name, 'in', 'a', null),
          filter(cost, 'gte', '1.00'),
          filter(name, 'ne', 'b'),
          filter(id, 'lt', null),
        ],
      }),
      contains: ` WHERE (("NAME" = CAST(? AS VARCHAR(256)) AND ${HEX_OF_NAME} = ${HEX}) OR "NAME" IS NULL) AND "COST" >= CAST(? AS DECIMAL(9, 2)) AND (${HEX_OF_NAME} <> ${HEX} OR "NAME" IS NULL) AND 1 = 0 ORDER`,
      parameters: ['a', 'a', '1.00', 'b'],
    },
  ];
  it.each(cases)('$name', ({ query: asked, contains, parameters }) => {
    const found = selectPage(shape, asked);
    expect(found.text).toContain(contains);
    expect(found.parameters).toEqual(parameters);
  });
});

describe('writes', () => {
  it('insert what was sent, and leave an open key to the database', () => {
    expect(insertRoot(shape, { id: null, site: 'A', cost: '1.50', name: null })).toEqual(
      new Sql('INSERT INTO "S"."THING" ("SITE", "COST", "NAME") VALUES (?, CAST(? AS DECIMAL(9, 2)), NULL)', [
        'A',
        '1.50',
      ]),
    );
  });

  it('change only what differs, child by child', () => {
    const before = {
      root: { id: KEY[0] ?? '', site: 'A', cost: '1.00', name: 'n' },
      embeds: {
        steps: [
          { line: 1, note: 'x' },
          { line: 2, note: 'y' },
        ],
      },
    };
    const after = {
      root: { name: 'm' },
      embeds: {
        steps: [
          { line: 1, note: 'z' },
          { line: 3, note: null },
        ],
      },
      unsent: 'kept' as const,
    };
    const child =
      '("THING_ID" = CAST(? AS BIGINT) AND "THING_SITE" = CAST(? AS VARCHAR(256))) AND "LINE" = CAST(? AS BIGINT)';
    expect(updateDocument(shape, KEY, before, after)).toEqual([
      new Sql(`UPDATE "S"."THING" SET "NAME" = ? WHERE (${ROOT})`, ['m', ...KEY]),
      new Sql(`DELETE FROM "S"."STEP" WHERE ${child}`, [...KEY, '2']),
      new Sql(`UPDATE "S"."STEP" SET "NOTE" = ? WHERE ${child}`, ['z', ...KEY, '1']),
      new Sql(
        'INSERT INTO "S"."STEP" ("THING_ID", "THING_SITE", "LINE", "NOTE") VALUES (CAST(? AS BIGINT), ?, CAST(? AS INTEGER), NULL)',
        [...KEY, '3'],
      ),
    ]);
    expect(deleteDocument(shape, KEY).map(({ text }) => text.split(' WHERE')[0])).toEqual([
      'DELETE FROM "S"."STEP"',
      'DELETE FROM "S"."THING"',
    ]);
  });
});

describe('the catalogue', () => {
  it('tells bytes from text by the code page', () => {
    const row = {
      COLNAME: 'C',
      TYPENAME: 'VARCHAR',
      LENGTH: 9,
      SCALE: 0,
      CODEPAGE: 0,
      NULLS: 'Y',
      DEFAULTED: null,
      IDENT: 'N',
      GEN: ' ',
    };
    expect(readColumn(row).bits).toBe(true);
    expect(readColumn({ ...row, CODEPAGE: 1208 }).bits).toBe(false);
    expect(readColumn({ ...row, TYPENAME: 'INTEGER' }).bits).toBe(false);
  });

  it('names what a plan has and the database has not', () => {
    expect(() => shapeOf(plan, new Map())).toThrow('system plant has no table S.THING');
    expect(() => columnOf(shape.root, 'NAMES')).toThrow(
      'table S.THING has no column "NAMES"; the nearest are NAME',
    );
  });
});

describe('errors', () => {
  interface Case {
    readonly state: string;
    readonly code: string;
    readonly retryable: boolean;
  }
  const cases: readonly Case[] = [
    { state: '08001', code: 'legacy_unavailable', retryable: true },
    { state: '40001', code: 'legacy_unavailable', retryable: true },
    { state: '57033', code: 'legacy_unavailable', retryable: true },
    { state: '23505', code: 'legacy_constraint', retryable: false },
    { state: '22001', code: 'legacy_constraint', retryable: false },
    { state: '42704', code: 'legacy_unavailable', retryable: false },
  ];
  it.each(cases)('$state is $code', ({ state, code, retryable }) => {
    const error = mapError(new Error(`[IBM][CLI Driver] SQL0000N  Something.  SQLSTATE=${state}\r\n`));
    expect([error.code, error.retryable, stateOf(error)]).toEqual([code, retryable, state]);
  });

  it('that Ficus made already pass, and those without a state are a lost connection', () => {
    const own = new FicusError('plan_invalid', 'x');
    expect(mapError(own)).toBe(own);
    expect(mapError(new Error('socket')).retryable).toBe(true);
  });
});

describe('positions', () => {
  it('sort as the pairs of commit and change do, in the form of the events', () => {
    expect(positionText('00000000:00000000:00000000000004D2', '')).toBe(
      `${'4d2'.padStart(32, '0')}/${'0'.repeat(32)}`,
    );
    expect(positionText('0A', 'F0') > positionText('09', 'FF')).toBe(true);
  });

  it('cannot be had of a Connect that is not there', async () => {
    await expect(committedOffset('http://127.0.0.1:1', 'c')).rejects.toMatchObject({
      code: 'connector_failed',
      retryable: true,
    });
  });
});
