import type { ChangeEvent, WireRow } from '#core/change-event';
import { FicusError } from '#core/errors';
import { type KnownTable, type KnownTables, namesOf } from './known-table.ts';
import type { LogRecord } from './log-record.ts';
import { streamPosition } from './position.ts';
import { isRecord, rowOf, type Side } from './side.ts';

type Row = Readonly<Record<string, unknown>>;

/** What is needed of Debezium's form. */
interface Envelope {
  readonly op: keyof typeof OPS;
  readonly before: Row | null | undefined;
  readonly after: Row | null | undefined;
  readonly source: Source;
}

interface Source {
  readonly schema: string;
  readonly table: string;
  readonly ts_ms?: number | bigint | null;
  readonly lsn?: number | bigint | null;
  readonly sequence?: string | null;
  readonly commit_lsn?: string | null;
  readonly change_lsn?: string | null;
  readonly connector?: string | null;
}

const OPS = { c: 'create', u: 'update', d: 'delete', r: 'read', t: 'truncate' } as const;
const TEXTS = ['schema', 'table', 'sequence', 'commit_lsn', 'change_lsn', 'connector'];
const INTEGERS = ['ts_ms', 'lsn'];

/** Where a record was found, and the tables that may be on its topic; null: none of a plan's. */
export interface Origin {
  readonly record: LogRecord;
  readonly incarnation: number;
  readonly tables: KnownTables | null;
}

/**
 * Reads Debezium's own form of a change: row images with operation and source.
 * @param keyOf reads the key, of which nothing is said where the value is none.
 * @throws FicusError `event_unparsable` when it is none.
 */
export function readEnvelope(
  value: Side,
  keyOf: (known: KnownTable | null) => WireRow | null,
  origin: Origin,
): ChangeEvent {
  const { op, before, after, source } = envelopeOf(value.payload);
  const { record, incarnation, tables } = origin;
  const table = `${source.schema}.${source.table}`;
  const known = tables?.byName(table) ?? null;
  const nameOf = namesOf(known, value);
  return {
    table,
    op: OPS[op],
    key: keyOf(known),
    before: before ? rowOf(value, 'before', before, nameOf) : null,
    after: after ? rowOf(value, 'after', after, nameOf) : null,
    position: streamPosition(source),
    committedAt: source.ts_ms === null || source.ts_ms === undefined ? null : Number(source.ts_ms),
    log: { incarnation, partition: record.partition, offset: record.offset },
    calendar: op === 'r' && source.connector === 'postgresql' ? 'hybrid' : 'proleptic',
  };
}

function envelopeOf(payload: unknown): Envelope {
  const fault = faultOf(payload);
  if (fault !== null) throw new FicusError('event_unparsable', `not a Debezium change event: ${fault}`);
  return payload as Envelope;
}

/** By hand, since it is done for every event, and to describe the form and have it checked takes ten times as long. */
function faultOf(payload: unknown): string | null {
  if (!isRecord(payload)) return 'it must be an object';
  const { op, before, after, source } = payload;
  if (typeof op !== 'string' || !Object.hasOwn(OPS, op))
    return `op must be one of ${Object.keys(OPS).join(', ')}`;
  if (!isNone(before) && !isRecord(before)) return 'before must be an object';
  if (!isNone(after) && !isRecord(after)) return 'after must be an object';
  if (!isRecord(source)) return 'source must be an object';
  if (isNone(source['schema'])) return 'source.schema must be a string';
  if (isNone(source['table'])) return 'source.table must be a string';
  for (const name of TEXTS)
    if (!isNone(source[name]) && typeof source[name] !== 'string') return `source.${name} must be a string`;
  for (const name of INTEGERS)
    if (!isNone(source[name]) && typeof source[name] !== 'number' && typeof source[name] !== 'bigint')
      return `source.${name} must be a number`;
  return null;
}

function isNone(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

/** What carries no row. */
export type Rowless = 'heartbeat' | 'message' | 'schema-change' | 'transaction';

/**
 * Records that carry no row, told by their content, never by a topic's name. Strict, since a record that is taken for
 * one of these is passed over: a flattened row may well have an `id`.
 */
export function rowlessKind(value: unknown, key: () => unknown): Rowless | null {
  if (!isRecord(value)) return null;
  if (value['op'] === 'm') return isRecord(value['message']) && isRecord(value['source']) ? 'message' : null;
  if ('op' in value) return null;
  if (isRecord(value['source']) && ('ddl' in value || 'tableChanges' in value)) return 'schema-change';
  const { status } = value;
  if ((status === 'BEGIN' || status === 'END') && 'data_collections' in value) return 'transaction';
  return hasOnly(value, 'ts_ms') && hasOnly(key(), 'serverName') ? 'heartbeat' : null;
}

function hasOnly(payload: unknown, name: string): boolean {
  return isRecord(payload) && name in payload && Object.keys(payload).length === 1;
}
