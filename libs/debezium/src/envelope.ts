import { z } from 'zod';
import type { ChangeEvent } from '#core/change-event';
import { FicusError } from '#core/errors';
import { type KnownTables, namesOf } from './known-table.ts';
import type { LogRecord } from './log-record.ts';
import { streamPosition } from './position.ts';
import { isRecord, rowOf, type Side } from './side.ts';

/** Not `z.record`, which loses a column that is called __proto__. */
const row = z.custom<Readonly<Record<string, unknown>>>(isRecord, 'must be an object').nullish();
const integer = z.union([z.number(), z.bigint()]);

const envelope = z.object({
  op: z.enum(['c', 'u', 'd', 'r', 't']),
  before: row,
  after: row,
  source: z.looseObject({
    schema: z.string(),
    table: z.string(),
    ts_ms: integer.nullish(),
    lsn: integer.nullish(),
    sequence: z.string().nullish(),
    commit_lsn: z.string().nullish(),
    change_lsn: z.string().nullish(),
    connector: z.string().nullish(),
  }),
});

const OPS = { c: 'create', u: 'update', d: 'delete', r: 'read', t: 'truncate' } as const;

/** Where a record was found, and the tables that may be on its topic; null: none of a plan's. */
export interface Origin {
  readonly record: LogRecord;
  readonly incarnation: number;
  readonly tables: KnownTables | null;
}

/**
 * Reads Debezium's own form of a change: row images with operation and source.
 * @param keySide reads the key, of which nothing is said where the value is none.
 * @throws FicusError `event_unparsable` when it is none.
 */
export function readEnvelope(value: Side, keySide: () => Side | null, origin: Origin): ChangeEvent {
  const parsed = envelope.safeParse(value.payload);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FicusError(
      'event_unparsable',
      `not a Debezium change event: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
    );
  }
  const { op, before, after, source } = parsed.data;
  const { record, incarnation, tables } = origin;
  const table = `${source.schema}.${source.table}`;
  const key = keySide();
  const known = tables?.byName(table) ?? null;
  const nameOf = namesOf(known, value);
  return {
    table,
    op: OPS[op],
    key: key === null || !isRecord(key.payload) ? null : rowOf(key, '', key.payload, namesOf(known, key)),
    before: before ? rowOf(value, 'before', before, nameOf) : null,
    after: after ? rowOf(value, 'after', after, nameOf) : null,
    position: streamPosition(source),
    committedAt: source.ts_ms === null || source.ts_ms === undefined ? null : Number(source.ts_ms),
    log: { incarnation, partition: record.partition, offset: record.offset },
    calendar: op === 'r' && source.connector === 'postgresql' ? 'hybrid' : 'proleptic',
  };
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
