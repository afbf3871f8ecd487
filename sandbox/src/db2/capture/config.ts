import type { TopicCreation } from './publisher.ts';

/** A connector's configuration as it is put over REST, and the settings of it that this capture knows. */
export type Config = Readonly<Record<string, string>>;

export interface Settings {
  readonly prefix: string;
  /** `SCHEMA.TABLE`, the heartbeat's table included. */
  readonly tables: readonly string[];
  readonly signalTable: string;
  readonly heartbeatTable: string;
  readonly heartbeatMs: number;
  /** Rows of a window: of an incremental snapshot, and of the initial one. */
  readonly chunkRows: number;
  readonly initialChunkRows: number;
  readonly initialSnapshot: boolean;
  readonly notificationTopic: string;
  readonly creation: TopicCreation | null;
}

export const HEARTBEAT_TABLE = 'FICUS.HEARTBEAT';
export const SIGNAL_TABLE = 'FICUS.SIGNAL';

/** @throws Error naming the setting, its value and what is legal. */
export function parseConfig(config: Config): Settings {
  const prefix = config['topic.prefix'] ?? '';
  if (!/^[\w.-]+$/.test(prefix)) {
    throw new Error(`topic.prefix is "${prefix}"; legal are letters, digits, dot, dash and underscore`);
  }
  const heartbeatTable = HEARTBEAT_TABLE;
  const listed = (config['table.include.list'] ?? '')
    .split(',')
    // Debezium takes regular expressions; a name with its dot escaped is the only form known here.
    .map((name) => name.trim().replaceAll('\\', ''))
    .filter((name) => name !== '');
  for (const name of listed) {
    if (!/^[^.]+\.[^.]+$/.test(name))
      throw new Error(`table.include.list holds "${name}"; legal is SCHEMA.TABLE`);
  }
  for (const side of ['key', 'value']) {
    const setting = `${side}.converter.schemas.enable`;
    const enabled = config[setting] ?? 'false';
    if (enabled !== 'false') throw new Error(`${setting} is "${enabled}"; legal here is false`);
  }
  const mode = config['snapshot.mode'] ?? 'initial';
  if (mode !== 'initial' && mode !== 'no_data') {
    throw new Error(`snapshot.mode is "${mode}"; legal here are initial and no_data`);
  }
  return {
    prefix,
    tables: [...new Set([...listed, heartbeatTable])],
    signalTable: config['signal.data.collection'] ?? SIGNAL_TABLE,
    heartbeatTable,
    heartbeatMs: count(config, 'heartbeat.interval.ms', 1_000),
    chunkRows: count(config, 'incremental.snapshot.chunk.size', 1_024),
    initialChunkRows: count(config, 'snapshot.fetch.size', 5_000),
    initialSnapshot: mode === 'initial',
    notificationTopic: config['notification.sink.topic.name'] ?? `${prefix}.notifications`,
    creation: creationOf(config),
  };
}

function creationOf(config: Config): TopicCreation | null {
  if (config['topic.creation.default.partitions'] === undefined) return null;
  return {
    partitions: count(config, 'topic.creation.default.partitions', 1),
    replicas: count(config, 'topic.creation.default.replication.factor', 1),
  };
}

function count(config: Config, name: string, otherwise: number): number {
  const text = config[name];
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new Error(`${name} is "${text}"; legal is a whole number above 0`);
  return Number(text);
}
