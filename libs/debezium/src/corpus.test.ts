import { describe, expect, it } from 'vitest';
import { emptyDocument, fold, type StoredDocument } from '#core/apply';
import { interpretEvent } from '#core/change-event';
import type { Content, ElementType, FieldType } from '#core/field-type';
import { keyText } from '#core/key';
import type { Field, Plan } from '#core/plan';
import { parseText } from '#core/value';
import { type Recorded, RecordedSchemas, recorded, topicsOf, truth } from '#testing/corpus';
import { recordForm } from './connector-form.ts';
import { type DecodedRecord, PLAIN_FORM, RecordDecoder } from './decoder.ts';
import type { LogRecord } from './log-record.ts';
import { CachedSchemas } from './schema-registry.ts';
import { valueDecoder } from './value.ts';
import { modesOf } from './wire-modes.ts';

/** The connectors ran with Debezium's defaults. */
const decodeValue = valueDecoder(modesOf({}));

const schemas = new CachedSchemas(new RecordedSchemas());
const decoder = new RecordDecoder({ schemas, form: () => PLAIN_FORM });
/** As the connector of the variant `json-flat` was configured. */
const flat = recordForm({
  transforms: 'unwrap',
  'transforms.unwrap.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.unwrap.delete.tombstone.handling.mode': 'rewrite',
  'transforms.unwrap.add.fields': 'op,table,lsn,source.ts_ms,source.txId',
  'transforms.unwrap.add.headers': 'op,source.lsn',
});
const flatDecoder = new RecordDecoder({ schemas, form: () => flat });

function decode(record: LogRecord, plan: Plan | null = null): DecodedRecord {
  const sut = record.topic.startsWith('corpus_flat.') ? flatDecoder : decoder;
  return sut.decode(record, 1, plan);
}

/** Records with what their schemas need made ready. */
const records = await recordedLogs();

async function recordedLogs(): Promise<(variant: string, topic: string) => readonly Recorded[]> {
  const logs = new Map<string, readonly Recorded[]>();
  for (const variant of ['json', 'json-schema', 'avro', 'json-flat']) {
    for (const topic of topicsOf(variant)) {
      const log = recorded(variant, topic);
      await decoder.prepare(log, null);
      logs.set(`${variant}/${topic}`, log);
    }
  }
  return (variant, topic) => logs.get(`${variant}/${topic}`) ?? expect.fail(`no ${topic} of ${variant}`);
}

const plain = (
  kind: 'boolean' | 'bytes' | 'date' | 'double' | 'float' | 'hstore' | 'int' | 'json' | 'long' | 'uuid',
): FieldType => ({ kind });
const array = (of: ElementType): FieldType => ({ kind: 'array', of });
const TEXT: FieldType = { kind: 'string', trim: false, length: null };
const CHAR: FieldType = { kind: 'string', trim: true, length: null };
const decimal = (precision: number | null, scale: number | null): FieldType => ({
  kind: 'decimal',
  precision,
  scale,
});
const timed = (kind: 'time' | 'timestamp' | 'timestamptz' | 'timetz', precision: number): FieldType => ({
  kind,
  precision,
});

/** A table of the corpus, by the columns whose types Ficus carries. */
interface Table {
  readonly name: string;
  readonly variants: readonly string[];
  readonly key: readonly string[];
  readonly columns: Readonly<Record<string, FieldType>>;
  readonly ignore: readonly string[];
  /** Keys of rows that the connector sends wrong, with the reason in the table below. */
  readonly except?: readonly string[];
}

const INT = plain('int');
const LONG = plain('long');

const tables: readonly Table[] = [
  {
    name: 't_pk',
    variants: ['json-schema', 'avro'],
    key: ['id'],
    columns: { id: INT, name: TEXT, amount: decimal(15, 2) },
    ignore: [],
  },
  {
    name: 't_pk',
    variants: ['json', 'json-flat'],
    key: ['id'],
    columns: { id: INT, name: TEXT },
    ignore: ['amount'],
  },
  {
    name: 't_composite',
    variants: ['json', 'json-schema', 'avro', 'json-flat'],
    key: ['b', 'a'],
    columns: { a: INT, b: TEXT, c: plain('date'), v: TEXT },
    ignore: [],
  },
  {
    name: 't_num',
    variants: ['json-schema', 'avro'],
    key: ['id'],
    columns: {
      id: LONG,
      si: INT,
      i: INT,
      bi: LONG,
      n152: decimal(15, 2),
      d: plain('double'),
      b: plain('boolean'),
      o: LONG,
      r: plain('float'),
      n: { kind: 'decimal', precision: null, scale: null, extended: true },
      n38: { kind: 'decimal', precision: 38, scale: 10, extended: true },
      // numeric(5,-2), which comes with 2,046 zeros after the point.
      n_neg: decimal(7, 0),
    },
    // Money: snapshot and stream do not agree on large amounts.
    ignore: ['m'],
  },
  {
    name: 't_time',
    variants: ['json', 'json-schema', 'avro'],
    key: ['id'],
    columns: {
      id: INT,
      dt: plain('date'),
      tm: timed('time', 6),
      tm3: timed('time', 3),
      tm0: timed('time', 0),
      ts: timed('timestamp', 6),
      ts0: timed('timestamp', 0),
      ts3: timed('timestamp', 3),
      ts6: timed('timestamp', 6),
      tz: timed('timestamptz', 6),
      tz3: timed('timestamptz', 3),
      ttz: timed('timetz', 6),
      note: TEXT,
    },
    // The connectors sent intervals as microseconds.
    ignore: ['iv'],
    // Year 1 in a snapshot row comes by the Julian calendar, two days before the first that is legal.
    except: ['4'],
  },
  {
    name: 't_toast',
    variants: ['json', 'json-schema', 'avro', 'json-flat'],
    key: ['id'],
    columns: {
      id: INT,
      counter: INT,
      big: TEXT,
      by: plain('bytes'),
      jb: plain('json'),
      js: plain('json'),
      vc: TEXT,
      ci: TEXT,
      num: decimal(null, null),
      ta: array({ kind: 'string', trim: false, length: null }),
      ia: array({ kind: 'int' }),
      la: array({ kind: 'long' }),
      ua: array({ kind: 'uuid' }),
      hs: plain('hstore'),
      x: TEXT,
    },
    ignore: [],
  },
  {
    name: 't_text',
    variants: ['json-schema', 'avro'],
    key: ['id'],
    columns: {
      id: plain('uuid'),
      c: CHAR,
      v: TEXT,
      t: TEXT,
      by: plain('bytes'),
      u: plain('uuid'),
      j: plain('json'),
      jb: plain('json'),
      e: TEXT,
      ma: TEXT,
      ip: TEXT,
      cd: TEXT,
      ci: TEXT,
      lt: TEXT,
      b1: { kind: 'bits', length: 1 },
      b8: { kind: 'bits', length: 8 },
      ia: array({ kind: 'int' }),
      ta: array({ kind: 'string', trim: false, length: null }),
      ua: array({ kind: 'uuid' }),
      da: array({ kind: 'date' }),
      hs: plain('hstore'),
      r4: TEXT,
      x: TEXT,
      ts: TEXT,
    },
    ignore: ['ea', 'pt', 'vb', 'na', 'ba', 'tza', 'tr', 'bx'],
  },
  {
    name: 't_nan',
    variants: ['json-schema', 'avro'],
    key: ['id'],
    columns: { id: INT, r: plain('float'), d: plain('double'), note: TEXT },
    ignore: ['n', 'n152'],
  },
];

function planOf(table: Table, topic = `p.public.${table.name}`): Plan {
  const fields = Object.entries(table.columns).map(
    ([column, type]): Field => ({
      path: column,
      segments: [column],
      column,
      type,
      required: false,
      readOnly: false,
    }),
  );
  return {
    unit: 'corpus',
    owner: 'test',
    description: '',
    mode: 'RW',
    system: 's',
    version: { kind: 'lsn' },
    topic,
    collection: 'corpus',
    root: { table: `public.${table.name}`, key: table.key, fields, ignore: table.ignore },
    embeds: [],
    truncate: 'hold',
    reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
    levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 0.05 },
  };
}

function isExcepted(table: Table, record: LogRecord): boolean {
  const decoded = decode(record, planOf(table, record.topic));
  if (table.except === undefined || decoded.kind !== 'change') return false;
  return table.except.includes(String(decoded.event.key?.[table.key[0] ?? '']?.value));
}

/** Applies records in the given order to documents. */
function replay(plan: Plan, log: readonly LogRecord[], documents = new Map<string, StoredDocument>()) {
  for (const record of log) {
    const decoded = decode(record, plan);
    if (decoded.kind !== 'change') continue;
    const { changes, unknownColumns } = interpretEvent(plan, decoded.event, 1, decodeValue);
    expect(unknownColumns).toEqual([]);
    for (const change of changes) {
      const text = keyText(change.key);
      documents.set(
        text,
        fold(documents.get(text) ?? emptyDocument(change.key), [change], (content) => content).document,
      );
    }
  }
  return documents;
}

function liveRows(documents: ReadonlyMap<string, StoredDocument>): Record<string, Content> {
  const live = [...documents].filter(([, { root }]) => root?.live === true);
  return Object.fromEntries(live.map(([key, { root }]) => [key, root?.content ?? {}]));
}

function trueRows(table: Table): Record<string, Content> {
  const rows = truth(table.name).map((row): [string, Content] => {
    const content = Object.fromEntries(
      Object.entries(table.columns).map(([column, type]) => [column, parseText(type, row[column] ?? null)]),
    );
    return [keyText(table.key.map((column) => content[column] ?? null)), content];
  });
  return Object.fromEntries(rows.filter(([key]) => !table.except?.includes(key)));
}

const cases = tables.flatMap((table) =>
  table.variants.map((variant) => ({ table, variant, name: table.name })),
);

describe.each(cases)('$name of $variant', ({ table, variant }) => {
  const log = records(variant, table.name).filter((record) => !isExcepted(table, record));
  const plan = planOf(table, log[0]?.topic);

  it('ends in the rows of the table, in the order of time', () => {
    const inTime = [...log].sort(
      (a, b) => a.timestamp - b.timestamp || a.partition - b.partition || Number(a.offset - b.offset),
    );
    expect(liveRows(replay(plan, inTime))).toEqual(trueRows(table));
  });

  it('ends there one partition after the other, and backwards, and twice', () => {
    const documents = replay(plan, log);
    expect(liveRows(documents)).toEqual(trueRows(table));
    const backwards = Object.values(Object.groupBy(log, ({ partition }) => partition)).reverse();
    expect(
      liveRows(
        replay(
          plan,
          backwards.flatMap((lane) => lane ?? []),
        ),
      ),
    ).toEqual(trueRows(table));
    const before = structuredClone([...documents]);
    expect([...replay(plan, log, documents)]).toEqual(before);
  });
});

describe('a date that a snapshot has shifted', () => {
  it('is not taken: year 1, read through JDBC', () => {
    const table = tables.find(({ name }) => name === 't_time') ?? expect.fail('no t_time');
    const log = records('json', 't_time').filter((record) => isExcepted(table, record));
    const roots = [...replay(planOf(table), log).values()].map(({ root }) => root);
    expect(roots.length).toBeGreaterThan(0);
    for (const root of roots) {
      expect(root?.incomplete).toContain('ts');
      expect(root?.content).not.toHaveProperty('ts');
    }
  });
});

describe.each(['json', 'avro'])('records of %s that are no row', (variant) => {
  it.each([
    ['heartbeat', 'heartbeat'],
    ['message', 'message'],
    ['transaction', 'transaction'],
  ])('%s', (file, what) => {
    const kinds = records(variant, file).map((record) => decode(record));
    expect(kinds.length).toBeGreaterThan(0);
    for (const kind of kinds) expect(kind).toEqual({ kind: 'other', what });
  });

  it('a truncate is decoded, and refused by the interpretation', () => {
    const events = records(variant, 't_trunc').map((record) => decode(record));
    const ops = events.map((one) => (one.kind === 'change' ? one.event.op : one.kind));
    expect(ops.filter((op) => op === 'truncate')).toHaveLength(2);
  });
});

describe('a table that changes under way', () => {
  it('reports each new column, and keeps its value', () => {
    const columns = { id: INT };
    const plan = planOf({ name: 't_schema', variants: [], key: ['id'], columns, ignore: [] });
    const seen = new Set<string>();
    for (const record of records('json', 't_schema')) {
      const decoded = decode(record);
      if (decoded.kind === 'change')
        for (const column of interpretEvent(plan, decoded.event, 1, decodeValue).unknownColumns)
          seen.add(column);
    }
    expect([...seen].sort()).toEqual([
      'added',
      'created',
      'full_name',
      'in_tx',
      'name',
      'old_col',
      'price',
      'qty',
    ]);
  });

  it('refuses, by name, digits that MongoDB cannot hold', () => {
    const columns = { id: LONG, n38: decimal(38, 10) };
    const plan = planOf({ name: 't_num', variants: [], key: ['id'], columns, ignore: [] });
    const refused = records('json-schema', 't_num').flatMap((record) => {
      try {
        replayLoosely(plan, record);
        return [];
      } catch (error) {
        return [String(error)];
      }
    });
    expect(refused.length).toBeGreaterThan(0);
    for (const reason of refused)
      expect(reason).toMatch(/column n38 of public\.t_num: .*34 significant digits/);
  });
});

function replayLoosely(plan: Plan, record: LogRecord): void {
  const decoded = decode(record);
  if (decoded.kind === 'change') interpretEvent(plan, decoded.event, 1, decodeValue);
}
