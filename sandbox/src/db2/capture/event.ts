import type { Change, Unit } from './change.ts';
import { keyJson, type RowImage, rowJson, type Table } from './column.ts';

/** A Kafka record before it is given to the producer. A null value is a tombstone. */
export interface OutgoingRecord {
  readonly topic: string;
  readonly key: string;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is the same in all events of a connector. */
export interface Origin {
  /** `topic.prefix`, the connector's logical name. */
  readonly prefix: string;
  readonly database: string;
  /** Microseconds since the epoch, now. */
  readonly now: () => bigint;
}

/** `source.snapshot` of Debezium: which row of a snapshot this is, `incremental`, or `false` in the stream. */
export type SnapshotMark =
  | 'first'
  | 'first_in_data_collection'
  | 'true'
  | 'last_in_data_collection'
  | 'last'
  | 'incremental'
  | 'false';

interface Position {
  readonly commit: bigint;
  /** Null in an initial snapshot, which has no place within a transaction. */
  readonly change: bigint | null;
  /** Microseconds since the epoch. */
  readonly at: bigint;
}

/** The release whose format this follows. */
const VERSION = '3.3.1.Final';

/** A log sequence number as Debezium's Db2 connector prints its 16 bytes: hex with colons after 4 and 8 bytes. */
export function lsnText(sequence: bigint): string {
  const hex = sequence.toString(16).padStart(32, '0');
  return `${hex.slice(0, 8)}:${hex.slice(8, 16)}:${hex.slice(16)}`;
}

export function parseLsn(text: string): bigint {
  return BigInt(`0x${text.replaceAll(':', '')}`);
}

export function topicOf(origin: Origin, table: Pick<Table, 'schema' | 'name'>): string {
  return `${origin.prefix}.${table.schema}.${table.name}`;
}

/** The records of one change: one, or `d`, tombstone and `c` when the primary key changed, or `d` and tombstone. */
export function changeRecords(origin: Origin, unit: Unit, change: Change): readonly OutgoingRecord[] {
  const { table, before, after } = change;
  const position = { commit: unit.commit, change: change.sequence, at: unit.at };
  const write = (op: string, images: Images, key: string, headers: Readonly<Record<string, string>> = {}) =>
    record(origin, table, { op, ...images, position, snapshot: 'false' }, key, headers);
  if (before === null) {
    return after === null ? [] : [write('c', { before, after }, keyJson(table, after))];
  }
  const oldKey = keyJson(table, before);
  if (after === null) {
    const deleted = write('d', { before, after }, oldKey);
    return [deleted, { ...deleted, value: null }];
  }
  const newKey = keyJson(table, after);
  if (oldKey === newKey) return [write('u', { before, after }, newKey)];
  const deleted = write('d', { before, after: null }, oldKey, { '__debezium.newkey': newKey });
  const created = write('c', { before: null, after }, newKey, { '__debezium.oldkey': oldKey });
  return [deleted, { ...deleted, value: null }, created];
}

/** A row of a snapshot. */
export function readRecord(
  origin: Origin,
  table: Table,
  row: RowImage,
  at: { readonly position: Position; readonly snapshot: SnapshotMark },
): OutgoingRecord {
  return record(origin, table, { op: 'r', before: null, after: row, ...at }, keyJson(table, row), {});
}

interface Images {
  readonly before: RowImage | null;
  readonly after: RowImage | null;
}

interface Envelope extends Images {
  readonly op: string;
  readonly position: Position;
  readonly snapshot: SnapshotMark;
}

function record(
  origin: Origin,
  table: Table,
  envelope: Envelope,
  key: string,
  headers: Readonly<Record<string, string>>,
): OutgoingRecord {
  return {
    topic: topicOf(origin, table),
    key,
    value: envelopeJson(origin, table, envelope),
    headers: { ...headers, ...contextHeaders(origin) },
  };
}

function contextHeaders(origin: Origin): Record<string, string> {
  return {
    '__debezium.context.connectorLogicalName': origin.prefix,
    '__debezium.context.taskId': '0',
    '__debezium.context.connectorName': 'db2',
  };
}

function envelopeJson(origin: Origin, table: Table, envelope: Envelope): string {
  const { op, before, after, position, snapshot } = envelope;
  const source = members({
    version: JSON.stringify(VERSION),
    connector: '"db2"',
    name: JSON.stringify(origin.prefix),
    ts_ms: String(position.at / 1000n),
    snapshot: JSON.stringify(snapshot),
    db: JSON.stringify(origin.database),
    sequence: 'null',
    ts_us: String(position.at),
    ts_ns: String(position.at * 1000n),
    schema: JSON.stringify(table.schema),
    table: JSON.stringify(table.name),
    change_lsn: position.change === null ? 'null' : JSON.stringify(lsnText(position.change)),
    commit_lsn: JSON.stringify(lsnText(position.commit)),
  });
  const now = origin.now();
  return members({
    before: before === null ? 'null' : rowJson(table.columns, before),
    after: after === null ? 'null' : rowJson(table.columns, after),
    source,
    transaction: 'null',
    op: JSON.stringify(op),
    ts_ms: String(now / 1000n),
    ts_us: String(now),
    ts_ns: String(now * 1000n),
  });
}

function members(values: Readonly<Record<string, string>>): string {
  return `{${Object.entries(values)
    .map(([name, json]) => `${JSON.stringify(name)}:${json}`)
    .join(',')}}`;
}
