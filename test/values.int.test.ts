import { randomBytes } from 'node:crypto';
import { type Consumer, Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { interpretEvent } from '#core/change-event';
import { reasonOf } from '#core/errors';
import type { CanonicalValue, Content, FieldType } from '#core/field-type';
import type { Field, Plan } from '#core/plan';
import { type CaptureSettings, connectorConfig } from '#debezium/connector-config';
import { recordForm } from '#debezium/connector-form';
import { RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { CachedSchemas, ConfluentRegistry } from '#debezium/schema-registry';
import { PostgresStore } from '#legacy/postgres/store';
import { addressOf } from '#testing/address';
import { everyDocuments, everyPlan } from '#testing/every-plan';
import { EVERY_SQL } from '#testing/every-postgres';
import { field } from '#testing/orders-plan';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';

/**
 * Every type through a real PostgreSQL, Debezium and Kafka, in the modes that can carry it: what an event says is what
 * was written, in a snapshot and in the stream, and a value that an update left unchanged (TOAST) is told from null.
 */

const run = `values${randomBytes(5).toString('hex')}`;

interface Variant {
  readonly name: string;
  readonly format: CaptureSettings['format'];
  readonly config: Readonly<Record<string, string>>;
}

const variants: readonly Variant[] = [
  { name: 'ficus', format: 'json', config: { 'decimal.handling.mode': 'string' } },
  { name: 'avro', format: 'avro', config: { 'decimal.handling.mode': 'string' } },
  {
    name: 'precise',
    format: 'json-schema',
    config: {
      'time.precision.mode': 'adaptive_time_microseconds',
      'hstore.handling.mode': 'map',
      'unavailable.value.placeholder': '__gone',
    },
  },
  {
    name: 'texts',
    format: 'json-schema',
    config: {
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'isostring',
      'binary.handling.mode': 'hex',
      'unavailable.value.placeholder': '__left_as_it_was',
    },
  },
  {
    name: 'micros',
    format: 'json',
    config: {
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'microseconds',
      'unavailable.value.placeholder': 'hex:00ff102030405060708090',
    },
  },
];

const text: FieldType = { kind: 'string', trim: false, length: null };
/** Columns whose values PostgreSQL stores apart, and what fills them. */
const LARGE: readonly (readonly [column: string, type: FieldType, value: string])[] = [
  ['text', text, "repeat('x', 9000)"],
  ['char(9000)', { ...text, trim: true }, "repeat('x', 9000)"],
  ['xml', text, "('<x>' || repeat('x', 9000) || '</x>')::xml"],
  ['ltree', text, "rtrim(repeat('aaaaaaaaa.', 800), '.')::text::ltree"],
  ['tsvector', text, "(SELECT string_agg('w' || g, ' ') FROM generate_series(1, 3000) g)::tsvector"],
  ['numrange', text, "numrange(repeat('9', 9000)::numeric, null)"],
  ['json', { kind: 'json' }, "json_build_object('k', repeat('J', 9000))"],
  ['jsonb', { kind: 'json' }, "jsonb_build_object('k', repeat('j', 9000))"],
  ['bytea', { kind: 'bytes' }, "decode(repeat('ab', 9000), 'hex')"],
  ['hstore', { kind: 'hstore' }, "hstore('k', repeat('h', 9000))"],
  [
    'text[]',
    { kind: 'array', of: { kind: 'string', trim: false, length: null } },
    "array_fill(repeat('a', 20), ARRAY[400])",
  ],
  [
    'varchar(20)[]',
    { kind: 'array', of: { kind: 'string', trim: false, length: 20 } },
    "array_fill(repeat('a', 20)::varchar, ARRAY[400])",
  ],
  [
    'char(20)[]',
    { kind: 'array', of: { kind: 'string', trim: true, length: 20 } },
    "array_fill('a'::bpchar, ARRAY[400])",
  ],
  ['json[]', { kind: 'array', of: { kind: 'json' } }, "array_fill('{}'::json, ARRAY[2000])"],
  ['int[]', { kind: 'array', of: { kind: 'int' } }, 'array_fill(7, ARRAY[2000])'],
  ['bigint[]', { kind: 'array', of: { kind: 'long' } }, 'array_fill(7::bigint, ARRAY[2000])'],
  [
    'uuid[]',
    { kind: 'array', of: { kind: 'uuid' } },
    "array_fill('123e4567-e89b-12d3-a456-426614174000'::uuid, ARRAY[400])",
  ],
  ['date[]', { kind: 'array', of: { kind: 'date' } }, "array_fill('2024-01-01'::date, ARRAY[2000])"],
  [
    'numeric',
    { kind: 'decimal', precision: null, scale: null, extended: true },
    "repeat('9', 9000)::numeric",
  ],
];
const COUNTER = field('counter', { kind: 'int' });
const largePlan: Plan = {
  ...everyPlan,
  root: {
    table: 'public.large',
    key: ['id'],
    fields: [
      field('id', { kind: 'long' }),
      COUNTER,
      ...LARGE.map(([, type], index) => field(`v${index}`, type)),
    ],
    ignore: [],
  },
};

interface Seen {
  readonly op: string;
  readonly content: Content;
  readonly unavailable: readonly string[];
}

const schemas = new CachedSchemas(new ConfluentRegistry(addressOf('TEST_REGISTRY_URL')));
const decoders = new Map(
  variants.map(({ name, format, config }) => {
    const form = recordForm({ ...converters(format), ...config });
    return [name, new RecordDecoder({ schemas, form: () => form })];
  }),
);
const troubles: string[] = [];
let database: ScratchDatabase;
let store: PostgresStore;
let consumer: Consumer;
/** By variant, table and id: the states that came, in their order. */
const seen = new Map<string, Seen[]>();
const statesOf = (variant: string, table: string, id: string): readonly Seen[] =>
  seen.get(`${variant}/${table}/${id}`) ?? [];
const half = Math.floor(everyDocuments.length / 2);

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(`${EVERY_SQL} CREATE EXTENSION ltree`);
  const columns = LARGE.map(([column], index) => `v${index} ${column}`);
  const stored = LARGE.map((_, index) => `ALTER v${index} SET STORAGE EXTERNAL`);
  await database.sql(`CREATE TABLE large (id bigint PRIMARY KEY, counter int, ${columns.join(', ')});
    ALTER TABLE large ${stored.join(', ')};
    INSERT INTO large VALUES (1, 0, ${LARGE.map(([, , value]) => value).join(', ')})`);
  store = new PostgresStore('shop', { url: database.url, slot: 'none' });
  await insert(everyDocuments.slice(0, half));
  await consume();
  for (const variant of variants) await capture(variant);
  const ids = everyDocuments.slice(0, half).map(({ root }) => String(root['id']));
  await nothingOf(() => missing((one) => ids.filter((id) => statesOf(one, 'every', id).length === 0)));
  await insert(everyDocuments.slice(half));
  await database.sql('UPDATE every SET id = id; UPDATE large SET counter = 1');
  const all = everyDocuments.map(({ root }) => String(root['id']));
  const isStreamed = ({ op }: Seen): boolean => op === 'update';
  await nothingOf(() =>
    missing((one) => [
      ...all.filter((id) => !statesOf(one, 'every', id).some(isStreamed)),
      ...(statesOf(one, 'large', '1').some(isStreamed) ? [] : ['large']),
    ]),
  );
}, 200_000);

afterAll(async () => {
  for (const { name } of variants)
    await fetch(`${addressOf('TEST_CONNECT_URL')}/connectors/${run}_${name}`, { method: 'DELETE' });
  await consumer?.disconnect();
  await store?.close();
  await database?.drop();
});

/** Waits until none is missing. */
async function nothingOf(list: () => readonly string[]): Promise<void> {
  await vi.waitFor(() => expect([...troubles.slice(0, 5), ...list()]).toEqual([]), {
    timeout: 50_000,
    interval: 100,
  });
}

function missing(of: (variant: string) => readonly string[]): readonly string[] {
  return variants.flatMap(({ name }) => of(name).map((id) => `${name}/${id}`));
}

async function insert(documents: typeof everyDocuments): Promise<void> {
  for (const document of documents) await store.write(everyPlan, { kind: 'insert', document });
}

async function capture({ name, format, config }: Variant): Promise<void> {
  const { username, password, pathname } = new URL(database.url);
  const [hostname = '', port = ''] = addressOf('TEST_POSTGRES_FROM_CONNECT').split(':');
  const reply = await fetch(`${addressOf('TEST_CONNECT_URL')}/connectors/${run}_${name}/config`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
      'plugin.name': 'pgoutput',
      'database.hostname': hostname,
      'database.port': port,
      'database.user': decodeURIComponent(username),
      'database.password': decodeURIComponent(password),
      'database.dbname': pathname.slice(1),
      'topic.prefix': `${run}_${name}`,
      'slot.name': `${run}_${name}`,
      'slot.drop.on.stop': 'true',
      'publication.name': `${run}_${name}`,
      'publication.autocreate.mode': 'filtered',
      'table.include.list': 'public.every,public.large',
      'poll.interval.ms': '10',
      'interval.handling.mode': 'string',
      ...converters(format),
      ...config,
    }),
  });
  expect(reply.ok, await reply.text()).toBe(true);
}

/** As in the connectors that Ficus makes. */
function converters(format: Variant['format']): Readonly<Record<string, string>> {
  const whole = connectorConfig({
    kind: 'db2',
    topicPrefix: run,
    format,
    registry: { converter: 'apicurio', fromConnect: addressOf('TEST_REGISTRY_FROM_CONNECT') },
    tables: [],
    excluded: [],
    keys: [],
    postgres: null,
  });
  return Object.fromEntries(
    Object.entries(whole).filter(([setting]) => /^(key|value)\.converter|adjustment/.test(setting)),
  );
}

async function consume(): Promise<void> {
  const kafka = new Kafka({
    clientId: run,
    brokers: addressOf('TEST_KAFKA_BROKERS').split(','),
    logLevel: logLevel.NOTHING,
  });
  const topics = variants.flatMap(({ name }) =>
    ['every', 'large'].map((table) => `${run}_${name}.public.${table}`),
  );
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: topics.map((topic) => ({ topic, numPartitions: 1 })),
    waitForLeaders: true,
  });
  await admin.disconnect();
  consumer = kafka.consumer({ groupId: run });
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message: { key, value, offset } }) => {
      try {
        const record = { topic, partition, key, value, offset: BigInt(offset) };
        await take(record);
      } catch (error) {
        troubles.push(`${topic}: ${reasonOf(error)}`);
      }
    },
  });
}

async function take(record: LogRecord): Promise<void> {
  const [variant = '', , table = ''] = record.topic.slice(run.length + 1).split('.');
  const plan = planOf(variant, table);
  const decoder = decoders.get(variant) ?? expect.fail(`no variant ${variant}`);
  await decoder.prepare([record], plan);
  const decoded = decoder.decode(record, 1, plan);
  if (decoded.kind !== 'change') return;
  for (const { key, effect } of interpretEvent(plan, decoded.event, 1, decoder.values(plan)).changes) {
    if (effect.kind !== 'upsert') continue;
    const at = `${variant}/${table}/${String(key[0])}`;
    const { content, unavailable } = effect;
    seen.set(at, [...(seen.get(at) ?? []), { op: decoded.event.op, content, unavailable }]);
  }
}

function planOf(variant: string, table: string): Plan {
  const plan = table === 'every' ? everyPlan : largePlan;
  return { ...plan, topic: `${run}_${variant}.public.${table}` };
}

/** What `precise` mode does to decimals: why Ficus does not set it, and warns of it. */
function expected(variant: string, content: Content): Content {
  if (variant !== 'precise') return content;
  const decimals = everyPlan.root.fields.map(({ type, path }) => [
    path,
    precise(type, content[path] ?? null),
  ]);
  return { ...content, ...Object.fromEntries(decimals) };
}

function precise(type: FieldType, value: CanonicalValue): CanonicalValue {
  if (type.kind !== 'decimal' || value === null) return value;
  if (/[yN]/.test(String(value))) return null;
  return type.scale === null
    ? String(value)
        .replace(/(\.\d*?)0+$/, '$1')
        .replace(/\.$/, '')
    : value;
}

/** A snapshot's dates before 1582 BC come as those of our era, see docs/plans.md. */
function isMistaken({ type }: Field, value: CanonicalValue | undefined): boolean {
  return type.kind === 'date' && /^-00(158[2-9]|159|1[6-9]|[2-9])/.test(String(value));
}

describe.each(variants)('through Debezium, as $name,', ({ name }) => {
  it('every type comes in the stream as it was written', () => {
    for (const { root } of everyDocuments) {
      const last = statesOf(name, 'every', String(root['id'])).at(-1);
      expect(last).toEqual({ op: 'update', content: expected(name, root), unavailable: [] });
    }
  });

  it('every type comes in a snapshot as it was written, but for dates of the old calendar', () => {
    let compared = 0;
    for (const { root } of everyDocuments.slice(0, half)) {
      const [first] = statesOf(name, 'every', String(root['id']));
      expect(first?.op).toBe('read');
      const wanted = expected(name, root);
      for (const one of everyPlan.root.fields) {
        if (first?.unavailable.includes(one.path)) {
          expect(String(root[one.path]) < '1582-10-26').toBe(true);
        } else if (!isMistaken(one, root[one.path])) {
          expect(first?.content[one.path], one.path).toEqual(wanted[one.path]);
          compared++;
        }
      }
    }
    expect(compared).toBeGreaterThan(half * 40);
  });

  it('a value that an update left unchanged is told from null', () => {
    const last = statesOf(name, 'large', '1').at(-1);
    const untold = largePlan.root.fields.filter(
      ({ type }) =>
        (name === 'precise' && type.kind === 'decimal') ||
        (name === 'texts' && type.kind === 'array' && type.of.kind === 'date'),
    );
    const told = largePlan.root.fields.slice(2).filter((one) => !untold.includes(one));
    expect(last?.content['counter']).toBe(1);
    expect(last?.unavailable.toSorted()).toEqual(told.map(({ path }) => path).sort());
  });
});
