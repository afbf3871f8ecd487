import type { ConnectorConfig } from './connect-client.ts';
import { MESSAGE_KEYS, type MessageKey, printMessageKeys } from './message-keys.ts';

/** What the configuration of a system's one connector is made of. */
export interface CaptureSettings {
  readonly kind: 'postgres' | 'db2';
  readonly topicPrefix: string;
  readonly format: 'json' | 'json-schema' | 'avro';
  /** Of format avro. */
  readonly registry: {
    readonly converter: 'apicurio' | 'confluent';
    /** As Kafka Connect reaches it. */
    readonly fromConnect?: string | undefined;
  } | null;
  /** `schema.table` of every table of every plan of the system. */
  readonly tables: readonly string[];
  /** Columns that the log does not have: Debezium fails on a table of which it knows them (DBZ-4350). */
  readonly excluded: readonly { readonly table: string; readonly column: string }[];
  /** Of tables without a primary key. */
  readonly keys: readonly MessageKey[];
  /** PostgreSQL only. */
  readonly postgres: {
    readonly slot: string;
    readonly publication: string;
    readonly database: {
      readonly hostname: string;
      readonly port: number;
      readonly user: string;
      readonly password: string;
      readonly dbname: string;
    };
  } | null;
}

/** The largest record of a table's topic: what MongoDB takes as one document, and room for the before image. */
export const MAX_RECORD_BYTES = 36 * 1024 * 1024;

/** The one member that may be absent: a column that was in it may be an ordinary one by now. */
export const EXCLUDED_COLUMNS = 'column.exclude.list';

const CONVERTERS = {
  json: 'org.apache.kafka.connect.json.JsonConverter',
  apicurio: 'io.apicurio.registry.utils.converter.AvroConverter',
  confluent: 'io.confluent.connect.avro.AvroConverter',
};

/** Ficus's own tables in a legacy database, captured like any other: the pulse of the leg and its signals. */
export function controlTables(kind: CaptureSettings['kind']): { heartbeat: string; signal: string } {
  return kind === 'postgres'
    ? { heartbeat: 'ficus.heartbeat', signal: 'ficus.signal' }
    : { heartbeat: 'FICUS.HEARTBEAT', signal: 'FICUS.SIGNAL' };
}

export function heartbeatTopic(kind: CaptureSettings['kind'], topicPrefix: string): string {
  return `${topicPrefix}.${controlTables(kind).heartbeat}`;
}

function signalTopic(kind: CaptureSettings['kind'], topicPrefix: string): string {
  return `${topicPrefix}.${controlTables(kind).signal}`;
}

export function notificationTopic(topicPrefix: string): string {
  return `${topicPrefix}.notifications`;
}

/** Topics of one partition that the connector writes beside the tables' own; nothing makes them but Ficus. */
export function connectorTopics(kind: CaptureSettings['kind'], topicPrefix: string): readonly string[] {
  return [
    heartbeatTopic(kind, topicPrefix),
    signalTopic(kind, topicPrefix),
    notificationTopic(topicPrefix),
    // Debezium's own heartbeat, which it writes at every interval beside the action query.
    `__debezium-heartbeat.${topicPrefix}`,
  ];
}

/**
 * The connector's configuration. No initial snapshot: each table joins by an incremental one, which survives a
 * restart and needs no lock. Modes that lose information are never used: decimals travel as text, NULL is not
 * replaced by a column's default. Source: Debezium 3.3 documentation, "PostgreSQL connector", "Db2 connector".
 */
export function connectorConfig(settings: CaptureSettings): ConnectorConfig {
  const { heartbeat, signal } = controlTables(settings.kind);
  const tables = [...new Set(settings.tables)].sort();
  const keys = printMessageKeys(settings.keys, undefined);
  const excluded = settings.excluded.map(({ table, column }) => literal(`${table}.${column}`)).sort();
  const converter = (side: string): Record<string, string> =>
    Object.fromEntries(
      Object.entries(converterConfig(settings)).map(([name, value]) => [
        name === '' ? `${side}.converter` : `${side}.converter.${name}`,
        value,
      ]),
    );
  return {
    'topic.prefix': settings.topicPrefix,
    'table.include.list': [...tables, heartbeat, signal].map(literal).join(','),
    ...(excluded.length === 0 ? {} : { [EXCLUDED_COLUMNS]: excluded.join(',') }),
    ...(keys === null ? {} : { [MESSAGE_KEYS]: keys }),
    'snapshot.mode': 'no_data',
    'signal.enabled.channels': 'source',
    'signal.data.collection': signal,
    'incremental.snapshot.chunk.size': '2000',
    'incremental.snapshot.watermarking.strategy': 'insert_delete',
    'notification.enabled.channels': 'sink',
    'notification.sink.topic.name': notificationTopic(settings.topicPrefix),
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'adaptive',
    'binary.handling.mode': 'bytes',
    'tombstones.on.delete': 'true',
    'poll.interval.ms': '20',
    'heartbeat.interval.ms': '500',
    'heartbeat.action.query': `UPDATE ${heartbeat} SET at = CURRENT_TIMESTAMP WHERE id = 1`,
    'errors.max.retries': '-1',
    // Debezium sleeps that long where Connect cannot wake it; Connect gives up a task that has not stopped after 5 s.
    'retriable.restart.connector.wait.ms': '2000',
    // One row may be as large as a document of MongoDB; a larger one stops the connector, which names it.
    'producer.override.max.request.size': String(MAX_RECORD_BYTES),
    'producer.override.buffer.memory': String(2 * MAX_RECORD_BYTES),
    ...converter('key'),
    ...converter('value'),
    ...(settings.format === 'avro' ? ADJUSTED : {}),
    ...(settings.kind === 'postgres'
      ? postgresConfig(settings)
      : { 'connector.class': 'io.debezium.connector.db2.Db2Connector' }),
  };
}

/** Avro spells names with letters, digits and underscores only. */
const ADJUSTED = { 'schema.name.adjustment.mode': 'avro', 'field.name.adjustment.mode': 'avro' };

/** The settings of one side's converter; '' is the converter itself. */
function converterConfig({ format, registry }: CaptureSettings): Record<string, string> {
  if (format !== 'avro') {
    return {
      '': CONVERTERS.json,
      'schemas.enable': String(format === 'json-schema'),
      'replace.null.with.default': 'false',
    };
  }
  if (registry?.fromConnect === undefined)
    throw new Error('broken assumption: format avro comes with the address of a registry');
  if (registry.converter === 'confluent') {
    return {
      '': CONVERTERS.confluent,
      'schema.registry.url': registry.fromConnect,
      'auto.register.schemas': 'true',
      'ignore.default.for.nullables': 'true',
    };
  }
  return {
    '': CONVERTERS.apicurio,
    'apicurio.registry.url': registry.fromConnect,
    'apicurio.registry.auto-register': 'true',
    'apicurio.registry.find-latest': 'false',
    // Confluent's wire format: the id in four bytes before the datum.
    'apicurio.registry.as-confluent': 'true',
    'apicurio.registry.use-id': 'contentId',
    'apicurio.registry.headers.enabled': 'false',
  };
}

function postgresConfig({ postgres }: CaptureSettings): Record<string, string> {
  if (postgres === null) throw new Error('broken assumption: a postgres system has postgres settings');
  const { database } = postgres;
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'plugin.name': 'pgoutput',
    'database.hostname': database.hostname,
    'database.port': String(database.port),
    'database.user': database.user,
    'database.password': database.password,
    'database.dbname': database.dbname,
    'slot.name': postgres.slot,
    'publication.name': postgres.publication,
    // Tables join and leave by `plan apply`, never by the connector's own hand.
    'publication.autocreate.mode': 'disabled',
    // A truncate must not pass unseen; it is put aside for an operator.
    'skipped.operations': 'none',
    'interval.handling.mode': 'string',
    'hstore.handling.mode': 'json',
    'slot.drop.on.stop': 'false',
    // It sleeps likewise while another session still has the slot: a minute in all, as by default.
    'slot.retry.delay.ms': '2000',
    'slot.max.retries': '30',
  };
}

/** `table.include.list` holds regular expressions. */
function literal(table: string): string {
  return table.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
