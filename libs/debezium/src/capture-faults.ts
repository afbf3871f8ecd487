import type { ConnectorConfig } from './connect-client.ts';
import { type CaptureSettings, controlTables, notificationTopic } from './connector-config.ts';
import { formFaults } from './connector-form.ts';
import { modeFaults } from './mode-faults.ts';

/** What a connector that somebody else configures has to be like. */
export interface ForeignCapture {
  readonly kind: CaptureSettings['kind'];
  readonly topicPrefix: string;
  /** Does systems.yaml name a registry? */
  readonly hasRegistry: boolean;
}

const CLASSES = {
  postgres: 'io.debezium.connector.postgresql.PostgresConnector',
  db2: 'io.debezium.connector.db2.Db2Connector',
};

/**
 * Why a connector that Ficus has not made cannot serve it, a sentence each: records that it could not read or order,
 * snapshots that it could not ask for, a lag that it could not know.
 */
export function captureFaults(config: ConnectorConfig, of: ForeignCapture): readonly string[] {
  const { heartbeat, signal } = controlTables(of.kind);
  return [
    ...expected(config, 'connector.class', CLASSES[of.kind]),
    ...expected(config, 'topic.prefix', of.topicPrefix),
    ...expected(config, 'signal.data.collection', signal),
    ...(listed(config['signal.enabled.channels'] ?? 'source').includes('source')
      ? []
      : ['signal.enabled.channels lacks source, by which Ficus asks for snapshots']),
    ...(listed(config['notification.enabled.channels']).includes('sink')
      ? []
      : ['notification.enabled.channels lacks sink, by which Ficus hears of snapshots']),
    ...expected(config, 'notification.sink.topic.name', notificationTopic(of.topicPrefix)),
    ...(Number(config['heartbeat.interval.ms'] ?? 0) > 0 &&
    config['heartbeat.action.query']?.includes(heartbeat)
      ? []
      : [
          `heartbeat.interval.ms and heartbeat.action.query do not beat in ${heartbeat}, so the lag cannot be known; set the one to 500, the other to an UPDATE of ${heartbeat}`,
        ]),
    ...['key', 'value'].flatMap((side) => converterFaults(config, side, of.hasRegistry)),
    ...formFaults(config),
    ...modeFaults(config).refused,
    ...tableFaults(config, [heartbeat, signal]),
  ];
}

/** Which of the tables (`schema.table`) the connector does not capture, a sentence each. */
export function tableFaults(config: ConnectorConfig, tables: readonly string[]): readonly string[] {
  return tables.flatMap((table) => {
    const [schema = ''] = table.split('.');
    const setting = leavesOut(config, 'table', table) ?? leavesOut(config, 'schema', schema);
    return setting === null ? [] : [`${setting} leaves out ${table}, which Ficus needs`];
  });
}

function leavesOut(config: ConnectorConfig, of: 'table' | 'schema', name: string): string | null {
  const include = config[`${of}.include.list`];
  const exclude = config[`${of}.exclude.list`];
  if (include !== undefined && !matches(include, name)) return `${of}.include.list`;
  return exclude !== undefined && matches(exclude, name) ? `${of}.exclude.list` : null;
}

/** Debezium's lists hold regular expressions of whole names, whatever their case. */
function matches(list: string, name: string): boolean {
  return listed(list).some((one) => {
    try {
      return new RegExp(`^(?:${one})$`, 'i').test(name);
    } catch {
      // Java's own syntax: what cannot be read is not taken for a match.
      return false;
    }
  });
}

function converterFaults(config: ConnectorConfig, side: string, hasRegistry: boolean): readonly string[] {
  const setting = `${side}.converter`;
  const converter = config[setting];
  if (converter === undefined || /\bJsonConverter$/.test(converter)) return [];
  if (!/\bAvroConverter$/.test(converter))
    return [`${setting} is ${converter}; legal are a JsonConverter and an AvroConverter`];
  const isBare = converter.startsWith('io.apicurio.');
  return [
    ...(hasRegistry
      ? []
      : [`${setting} writes Avro, and systems.yaml names no registry of the system (capture.registry)`]),
    ...(isBare ? expected(config, `${setting}.apicurio.registry.as-confluent`, 'true') : []),
    ...(isBare && (config[`${setting}.apicurio.registry.headers.enabled`] ?? 'false') !== 'false'
      ? [
          `${setting}.apicurio.registry.headers.enabled puts the schema's id in headers of Apicurio's own; set it to false`,
        ]
      : []),
  ];
}

function expected(config: ConnectorConfig, setting: string, value: string): readonly string[] {
  return config[setting] === value
    ? []
    : [`${setting} is ${config[setting] ?? 'not set'}; it has to be ${value}`];
}

function listed(setting: string | undefined): readonly string[] {
  return (setting ?? '').split(',').map((one) => one.trim());
}
