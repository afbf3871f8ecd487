import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CanonicalValue, FieldType } from '#core/field-type';
import { keyFields, type Plan } from '#core/plan';
import { keyOf } from '#core/render';
import { systemClock } from '#observability/clock';
import { field, ordersPlan } from '#testing/orders-plan';
import { canonicalOf } from '#testing/random-values';
import { migrateLegacy } from '../../../../migrations/legacy/run.ts';
import { type Db2Session, openSession } from './driver.ts';
import { Db2Store } from './store.ts';

function needed(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: this test needs the server it names`);
  return value;
}

const run = randomUUID().slice(0, 8).toUpperCase();
const table = `FICUS.VALUE_${run}`;

const text = (length: number, trim: boolean): FieldType => ({ kind: 'string', trim, length });
const decimal = (precision: number, scale: number): FieldType => ({ kind: 'decimal', precision, scale });
/** The kinds that Db2 has, with their columns. */
const COLUMNS: readonly (readonly [column: string, type: FieldType])[] = [
  ['SMALLINT', { kind: 'int' }],
  ['INTEGER', { kind: 'int' }],
  ['BIGINT', { kind: 'long' }],
  ['DECIMAL(31, 2)', decimal(31, 2)],
  ['DECIMAL(31, 31)', decimal(31, 31)],
  ['DECIMAL(18, 0)', decimal(18, 0)],
  ['DOUBLE', { kind: 'double' }],
  ['REAL', { kind: 'float' }],
  ['BOOLEAN', { kind: 'boolean' }],
  ['DATE', { kind: 'date' }],
  ['TIME', { kind: 'time', precision: 0 }],
  ['TIMESTAMP', { kind: 'timestamp', precision: 6 }],
  ['CHAR(40)', text(10, true)],
  ['VARCHAR(60)', text(15, false)],
];
const fields = [
  field('id', { kind: 'long' }, { column: 'ID' }),
  ...COLUMNS.map(([, type], index) => field(`f${index}`, type, { column: `F${index}` })),
];
const plan: Plan = {
  ...ordersPlan,
  system: 'plant',
  root: { table, key: ['ID'], fields, ignore: [] },
  embeds: [],
};

/** Db2 has no NaN and no infinity, and less room about zero than a double of IEEE 754. */
function holds(type: FieldType, value: CanonicalValue): boolean {
  if (type.kind !== 'double' && type.kind !== 'float') return true;
  const size = Math.abs(Number(value));
  const [least, most] = type.kind === 'double' ? [1e-306, 1e308] : [1e-36, 1e38];
  return size === 0 || (size > least && size < most);
}

const content = fc.record(
  Object.fromEntries(
    fields.slice(1).map(({ path, type }) => [
      path,
      fc.option(
        canonicalOf(type).filter((value) => holds(type, value)),
        { nil: null, freq: 5 },
      ),
    ]),
  ),
);

describe('Db2', () => {
  let admin: Db2Session;
  let sut: Db2Store;

  beforeAll(async () => {
    const url = needed('TEST_DB2_URL');
    admin = await openSession(url);
    await migrateLegacy('plant', { kind: 'db2', url });
    const columns = COLUMNS.map(([column], index) => `F${index} ${column}`);
    await admin.execute(`CREATE TABLE ${table} (ID BIGINT NOT NULL PRIMARY KEY, ${columns.join(', ')})`);
    sut = new Db2Store(
      'plant',
      { url, connect: needed('TEST_DB2_CONNECT_URL'), connector: `values-${run}` },
      systemClock,
    );
  });

  afterAll(async () => {
    await sut?.close();
    await admin?.execute(`DROP TABLE ${table}`);
    await admin?.close();
  });

  it('holds every type that it has exactly', async () => {
    await fc.assert(
      fc.asyncProperty(content, async (given) => {
        const document = { root: { ...given, id: '1' }, embeds: {} };
        const key = keyOf(keyFields(plan.root), document.root);
        expect(await sut.write(plan, { kind: 'insert', document })).toMatchObject({ kind: 'done', document });
        expect(await sut.readOne(plan, key)).toEqual(document);
        expect(await sut.write(plan, { kind: 'delete', key })).toMatchObject({ kind: 'done' });
      }),
      { numRuns: 60 },
    );
  });
});
