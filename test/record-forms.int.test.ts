import { randomBytes } from 'node:crypto';
import type { Consumer } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { emptyDocument, fold, type StoredDocument } from '#core/apply';
import { type ChangeEvent, interpretEvent } from '#core/change-event';
import type { Content, FieldType } from '#core/field-type';
import { keyText } from '#core/key';
import type { Field, Plan } from '#core/plan';
import { parseText } from '#core/value';
import { captureFaults, tableFaults } from '#debezium/capture-faults';
import { ConnectClient, type ConnectorConfig } from '#debezium/connect-client';
import { connectorConfig, connectorTopics, notificationTopic } from '#debezium/connector-config';
import { recordForm } from '#debezium/connector-form';
import { RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { readNotification } from '#debezium/notification';
import { CachedSchemas, ConfluentRegistry } from '#debezium/schema-registry';
import { valueDecoder } from '#debezium/value';
import { FICUS_MODES } from '#debezium/wire-modes';
import { openKafka } from '#kafka/client';
import { ensureTopics } from '#kafka/topics';
import { systemClock } from '#observability/clock';
import { addressOf } from '#testing/address';
import { type ScratchDatabase, scratchDatabase } from '#testing/scratch-postgres';
import { migrateLegacy } from '../migrations/legacy/run.ts';
import { waitFor } from '../sandbox/src/process/poll.ts';

/**
 * One table, captured by real connectors in each form that records can have: whatever the form, its log has to end in
 * the table's rows, snapshot and stream, in any number of passes.
 */

const TABLE = 'public.Ware';
const run = `forms${randomBytes(4).toString('hex')}`;

const FLATTENED = {
  transforms: 'flat',
  'transforms.flat.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.flat.add.fields': 'op,lsn,source.ts_ms',
  'transforms.flat.replace.null.with.default': 'false',
};
const deletes = (mode: string): ConnectorConfig => ({
  ...FLATTENED,
  'transforms.flat.delete.tombstone.handling.mode': mode,
});

interface Form {
  readonly name: string;
  readonly format: 'json' | 'json-schema' | 'avro';
  readonly changes?: ConnectorConfig;
}

const forms: readonly Form[] = [
  { name: 'json', format: 'json' },
  { name: 'schema', format: 'json-schema' },
  { name: 'avro', format: 'avro' },
  { name: 'rewrite', format: 'json', changes: deletes('rewrite') },
  { name: 'both', format: 'json-schema', changes: deletes('rewrite-with-tombstone') },
  { name: 'tombstone', format: 'json', changes: deletes('tombstone') },
  {
    name: 'headers',
    format: 'json-schema',
    changes: { ...deletes('delete-to-tombstone'), 'transforms.flat.add.headers': 'op,lsn' },
  },
  { name: 'avroflat', format: 'avro', changes: deletes('delete-to-tombstone') },
];

/** Column, its type, and whether it has a default, which Apicurio's converter sends in place of NULL. */
const COLUMNS: readonly { readonly column: string; readonly type: FieldType; readonly hasDefault?: true }[] =
  [
    { column: 'id', type: { kind: 'long' } },
    { column: 'weird col', type: { kind: 'string', trim: false, length: null } },
    { column: 'größe', type: { kind: 'decimal', precision: 12, scale: 3 } },
    { column: '1st', type: { kind: 'int' } },
    { column: 'at', type: { kind: 'timestamptz', precision: 6 } },
    { column: 'on', type: { kind: 'timestamp', precision: 6 } },
    { column: 'day', type: { kind: 'date' } },
    { column: 'ratio', type: { kind: 'double' } },
    { column: 'is', type: { kind: 'boolean' } },
    { column: 'raw', type: { kind: 'bytes' } },
    { column: 'doc', type: { kind: 'json' } },
    { column: 'note', type: { kind: 'string', trim: false, length: null } },
    { column: 'qty', type: { kind: 'int' }, hasDefault: true },
  ];

const SCHEMA = `
CREATE TABLE "Ware" (
  id bigint PRIMARY KEY, "weird col" text, "größe" numeric(12,3), "1st" integer, at timestamptz, "on" timestamp,
  day date, ratio double precision, "is" boolean, raw bytea, doc json, note text, qty integer DEFAULT 5
);
CREATE ROLE ${run} LOGIN REPLICATION PASSWORD 'forms';
GRANT SELECT ON "Ware" TO ${run};`;

/** Long enough to be stored apart (TOAST), so that an update which leaves it alone comes without it. */
const LONG_NOTE = Array.from({ length: 4_000 }, (_, index) => String(index)).join(' ');
const LAST = '9223372036854775807';

const BEFORE = `
INSERT INTO "Ware" VALUES
  (1, 'a''b', 1.500, 1, '2026-01-02T03:04:05.123456Z', '2026-01-02T03:04:05.123456', '2026-02-28', 0.1, true, '\\x00ff10', '{"a": 1}', '${LONG_NOTE}', 5),
  (9007199254740993, NULL, NULL, NULL, NULL, NULL, NULL, 'NaN', NULL, NULL, NULL, NULL, NULL),
  (-9223372036854775808, 'größer €😀', -999999999.999, -2147483648, '1700-06-01T00:00:00Z', '9999-12-31T23:59:59.999999', '1969-12-31', 'Infinity', false, '', '[]', '', 7),
  (4, 'goes', 4, 4, NULL, NULL, NULL, -0.5, NULL, NULL, NULL, 'x', 4),
  (5, 'moves', 5, 5, NULL, NULL, NULL, 1e308, NULL, NULL, NULL, 'x', 6),
  (6, 'comes back', 6, 6, NULL, NULL, NULL, 0, NULL, NULL, NULL, 'x', 6)`;
const CHANGES = [
  `UPDATE "Ware" SET "weird col" = 'changed', qty = NULL WHERE id = 1`,
  `UPDATE "Ware" SET qty = 5, ratio = '-Infinity' WHERE id = 9007199254740993`,
  'DELETE FROM "Ware" WHERE id = 4',
  'UPDATE "Ware" SET id = 50, "größe" = 0.001 WHERE id = 5',
  'DELETE FROM "Ware" WHERE id = 6',
  `INSERT INTO "Ware" (id, "weird col", qty) VALUES (6, 'is back', NULL), (7, 'new', 1), (8, 'brief', 2)`,
  'DELETE FROM "Ware" WHERE id = 8',
  `INSERT INTO "Ware" (id, note) VALUES (${LAST}, 'the last')`,
];

const decodeValue = valueDecoder(FICUS_MODES);
const kafka = openKafka(addressOf('TEST_KAFKA_BROKERS').split(','), run, () => undefined);
const connect = new ConnectClient(addressOf('TEST_CONNECT_URL'));
const logs = new Map<string, LogRecord[]>();
let database: ScratchDatabase;
let consumer: Consumer;

const prefixOf = ({ name }: Form): string => `${run}-${name}`;
const topicOf = (form: Form): string => `${prefixOf(form)}.${TABLE}`;
const topicsOf = (form: Form): string[] => [topicOf(form), ...connectorTopics('postgres', prefixOf(form))];

function configOf(form: Form): ConnectorConfig {
  const [hostname = '', port = ''] = addressOf('TEST_POSTGRES_FROM_CONNECT').split(':');
  const slot = `${run}_${form.name}`;
  return {
    ...connectorConfig({
      kind: 'postgres',
      topicPrefix: prefixOf(form),
      format: form.format,
      registry: { converter: 'apicurio', fromConnect: addressOf('TEST_REGISTRY_FROM_CONNECT') },
      tables: [TABLE],
      excluded: [],
      keys: [],
      postgres: {
        slot,
        publication: run,
        database: {
          ...{ hostname, port: Number(port), user: run, password: 'forms' },
          dbname: new URL(database.url).pathname.slice(1),
        },
      },
    }),
    'snapshot.mode': 'initial',
    ...form.changes,
  };
}

function planOf(form: Form): Plan {
  const fields = COLUMNS.map(
    ({ column, type }): Field => ({
      path: column,
      segments: [column],
      column,
      type,
      required: false,
      readOnly: false,
    }),
  );
  const isDoubtful = (column: string): boolean =>
    form.format === 'avro' && COLUMNS.some((one) => one.column === column && one.hasDefault === true);
  return {
    unit: 'ware',
    owner: 'test',
    description: '',
    mode: 'RW',
    system: 's',
    version: { kind: 'lsn' },
    topic: topicOf(form),
    collection: 'ware',
    root: {
      table: TABLE,
      key: ['id'],
      fields: fields.filter(({ column }) => !isDoubtful(column)),
      ignore: fields.flatMap(({ column }) => (isDoubtful(column) ? [column] : [])),
    },
    embeds: [],
    truncate: 'hold',
    reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
    levels: { lagMs: 1, driftPpm: 0, verifiedMs: 1, badShare: 1 },
  };
}

/** As the replicator makes one: by the configuration that Kafka Connect has of the connector. */
async function decoderOf(form: Form): Promise<RecordDecoder> {
  const found = recordForm((await connect.config(prefixOf(form))) ?? {});
  const schemas = new CachedSchemas(new ConfluentRegistry(addressOf('TEST_REGISTRY_URL')));
  return new RecordDecoder({ schemas, form: () => found });
}

async function eventsOf(form: Form): Promise<readonly ChangeEvent[]> {
  const decoder = await decoderOf(form);
  const plan = planOf(form);
  const log = logs.get(topicOf(form)) ?? [];
  await decoder.prepare(log, plan);
  return log.flatMap((record) => {
    const decoded = decoder.decode(record, 1, plan);
    return decoded.kind === 'change' ? [decoded.event] : [];
  });
}

interface Awaited {
  readonly op: ChangeEvent['op'];
  readonly id: string;
}

async function untilSeen({ op, id }: Awaited): Promise<void> {
  for (const form of forms) {
    await waitFor(
      `${op} of ${id} in ${form.name}`,
      async () => {
        const found = (await eventsOf(form)).some(
          (event) => event.op === op && String(event.key?.id?.value) === id,
        );
        if (!found) throw new Error('not there yet');
      },
      { timeoutMs: 120_000 },
    );
  }
}

beforeAll(async () => {
  database = await scratchDatabase();
  await database.sql(SCHEMA);
  await migrateLegacy('forms', {
    kind: 'postgres',
    url: database.url,
    capture: { database: { user: run } },
  });
  await database.sql(`CREATE PUBLICATION ${run} FOR TABLE "Ware", ficus.heartbeat, ficus.signal`);
  await database.sql(BEFORE);
  await ensureTopics(
    kafka,
    forms.flatMap(topicsOf).map((topic) => ({ topic, partitions: 1 })),
    { clock: systemClock },
  );
  consumer = kafka.consumer({ groupId: run });
  await consumer.connect();
  await consumer.subscribe({ topics: forms.flatMap(topicsOf), fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ topic, partition, message: { offset, key, value, headers } }) => {
      const log = logs.get(topic) ?? [];
      logs.set(topic, log);
      log.push({ topic, partition, offset: BigInt(offset), key, value, ...(headers ? { headers } : {}) });
    },
  });
  for (const form of forms) await connect.put(prefixOf(form), configOf(form));
  await untilSeen({ op: 'read', id: '9007199254740993' });
  for (const change of CHANGES) await database.sql(change);
  await untilSeen({ op: 'create', id: LAST });
  await database.sql(
    `INSERT INTO ficus.signal (id, type, data) VALUES ('${run}', 'execute-snapshot', '{"data-collections": ["public.\\"Ware\\""], "type": "INCREMENTAL"}')`,
  );
  // It was not there yet for the first snapshot.
  await untilSeen({ op: 'read', id: LAST });
}, 400_000);

afterAll(async () => {
  for (const form of forms) {
    await fetch(`${addressOf('TEST_CONNECT_URL')}/connectors/${prefixOf(form)}`, { method: 'DELETE' });
  }
  await consumer.disconnect();
  await waitFor('the replication slots', () => dropSlots(), { timeoutMs: 60_000 });
  const admin = kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: forms.flatMap(topicsOf) });
  await admin.disconnect();
  await database.sql(`DROP OWNED BY ${run}; DROP ROLE ${run}`);
  await database.drop();
}, 120_000);

async function dropSlots(): Promise<void> {
  const ours = `FROM pg_replication_slots WHERE slot_name LIKE '${run}%'`;
  await database.sql(`SELECT pg_drop_replication_slot(slot_name) ${ours} AND NOT active`);
  const left = await database.sql(`SELECT slot_name ${ours}`);
  if (left.length > 0) throw new Error(`${left.length} are in use`);
}

function replay(plan: Plan, events: readonly ChangeEvent[], documents = new Map<string, StoredDocument>()) {
  for (const event of events) {
    const { changes, unknownColumns } = interpretEvent(plan, event, 1, decodeValue);
    expect(unknownColumns).toEqual([]);
    for (const change of changes) {
      const text = keyText(change.key);
      const before = documents.get(text) ?? emptyDocument(change.key);
      documents.set(text, fold(before, [change], (content) => content).document);
    }
  }
  return documents;
}

function liveRows(documents: ReadonlyMap<string, StoredDocument>): Record<string, Content> {
  const live = [...documents].filter(([, { root }]) => root?.live === true);
  return Object.fromEntries(live.map(([key, { root }]) => [key, root?.content ?? {}]));
}

async function trueRows({ root: { fields } }: Plan): Promise<Record<string, Content>> {
  const list = fields.map(({ column }) => `"${column}"::text`);
  const rows = await database.sql(`SELECT ${list.join(', ')} FROM "Ware"`);
  return Object.fromEntries(
    rows.map((row) => {
      const content = Object.fromEntries(
        fields.map(({ column, type }) => [column, parseText(type, row[column] as string | null)]),
      );
      return [keyText([content['id'] ?? null]), content];
    }),
  );
}

describe.each(forms)('records of form $name', (form) => {
  it('end in the rows of the table, and stay there when they are read again', async () => {
    const plan = planOf(form);
    const events = await eventsOf(form);
    const documents = replay(plan, events);
    expect(liveRows(documents)).toEqual(await trueRows(plan));
    const once = structuredClone([...documents]);
    expect([...replay(plan, events, documents)]).toEqual(once);
  });

  it('come from a connector in which nothing is wrong', async () => {
    const config = (await connect.config(prefixOf(form))) ?? expect.fail('no connector');
    expect(
      captureFaults(config, { kind: 'postgres', topicPrefix: prefixOf(form), hasRegistry: true }),
    ).toEqual([]);
    expect(tableFaults(config, [TABLE])).toEqual([]);
  });

  it('have the pulse and the news of snapshots beside them', async () => {
    const decoder = await decoderOf(form);
    const beats = logs.get(`${prefixOf(form)}.ficus.heartbeat`) ?? [];
    await decoder.prepare(beats, null);
    const decoded = beats.map((record) => decoder.decode(record, 1, null));
    expect(decoded).toContainEqual({
      kind: 'change',
      event: expect.objectContaining({
        op: 'update',
        committedAt: expect.any(Number),
        position: expect.anything(),
      }),
    });
    const news = logs.get(notificationTopic(prefixOf(form))) ?? [];
    await decoder.prepare(news, null);
    const read = news.map((record) => readNotification(decoder.payload(record)));
    expect(read).toContainEqual(expect.objectContaining({ kind: 'scanned', tables: [TABLE] }));
    const own = logs.get(`__debezium-heartbeat.${prefixOf(form)}`) ?? [];
    await decoder.prepare(own, null);
    for (const record of own)
      expect(decoder.decode(record, 1, null)).toEqual({ kind: 'other', what: 'heartbeat' });
  });
});

describe('a NULL where the column has a default', () => {
  it('is kept in JSON', async () => {
    const [json] = forms;
    const rows = await trueRows(planOf(json ?? expect.fail('no form')));
    expect(rows[keyText(['1'])]?.['qty']).toBeNull();
  });

  it("is refused in Avro of Apicurio's converter, for it looks like the default", async () => {
    const form = forms.find(({ name }) => name === 'avro') ?? expect.fail('no form');
    const plan = planOf({ ...form, format: 'json' });
    const refused = (await eventsOf(form)).flatMap((event) => {
      try {
        interpretEvent(plan, event, 1, decodeValue);
        return [];
      } catch (error) {
        return [String(error)];
      }
    });
    expect(refused.length).toBeGreaterThan(0);
    for (const reason of refused)
      expect(reason).toMatch(/column qty of public\.Ware: the value is the column's default/);
  });
});
