import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import type { ChangeEvent, WireRow, WireSchema } from '#core/change-event';
import { FicusError } from '#core/errors';
import { columnName } from './column-name.ts';
import { parseLossless } from './json.ts';
import { streamPosition } from './position.ts';

/** A Kafka record, undecoded. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/**
 * A tombstone is no second delete; `other` are records that carry no row (schema changes, logical messages,
 * transaction metadata), told apart by their content and never by a topic's name.
 */
export type DecodedRecord =
  | { readonly kind: 'change'; readonly event: ChangeEvent }
  | { readonly kind: 'tombstone' }
  | { readonly kind: 'other'; readonly what: 'message' | 'schema-change' | 'transaction' };

const OPS = { c: 'create', u: 'update', d: 'delete', r: 'read', t: 'truncate' } as const;

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

interface Side {
  readonly payload: unknown;
  /** Schemas of the columns of `before`/`after` (value) or of the key; null without schemas. */
  readonly fields: ReadonlyMap<string, ReadonlyMap<string, WireSchema>> | null;
}

/**
 * Decodes a record of Debezium's JSON formats, with or without schemas, each side on its own.
 * @param incarnation of the topic, see `LogPosition`.
 * @throws FicusError `event_unparsable` when it is none.
 */
export function decodeRecord(record: LogRecord, incarnation: number): DecodedRecord {
  if (record.value === null) return { kind: 'tombstone' };
  const value = side(record.value);
  const kind = otherKind(value.payload);
  if (kind !== null) return { kind: 'other', what: kind };
  const parsed = envelope.safeParse(value.payload);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new FicusError(
      'event_unparsable',
      `not a Debezium change event: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
    );
  }
  const { op, before, after, source } = parsed.data;
  return {
    kind: 'change',
    event: {
      table: `${source.schema}.${source.table}`,
      op: OPS[op],
      key: decodeKey(record),
      before: before ? wireRow(before, value.fields?.get('before') ?? null) : null,
      after: after ? wireRow(after, value.fields?.get('after') ?? null) : null,
      position: streamPosition(source),
      committedAt: source.ts_ms === null || source.ts_ms === undefined ? null : Number(source.ts_ms),
      log: { incarnation, partition: record.partition, offset: record.offset },
      calendar: op === 'r' && source.connector === 'postgresql' ? 'hybrid' : 'proleptic',
    },
  };
}

/** The key's columns; null: the record has none. @throws FicusError `event_unparsable`. */
export function decodeKey({ key }: LogRecord): WireRow | null {
  if (key === null) return null;
  const { payload, fields } = side(key);
  return isRecord(payload) ? wireRow(payload, fields?.get('') ?? null) : null;
}

function side(bytes: Buffer): Side {
  if (!isUtf8(bytes)) throw new FicusError('event_unparsable', 'not UTF-8');
  const parsed = parseLossless(bytes.toString('utf8'));
  if (
    !isRecord(parsed) ||
    !('schema' in parsed) ||
    !('payload' in parsed) ||
    Object.keys(parsed).length !== 2
  ) {
    return { payload: parsed, fields: null };
  }
  return { payload: parsed['payload'], fields: schemaFields(parsed['schema']) };
}

/** Connect's JSON schema: a struct whose fields are columns (key) or structs of columns (value). */
function schemaFields(schema: unknown): Side['fields'] {
  const found = new Map<string, ReadonlyMap<string, WireSchema>>();
  if (!isRecord(schema)) return null;
  found.set('', columnSchemas(schema));
  for (const field of listOf(schema['fields'])) {
    if (isRecord(field) && typeof field['field'] === 'string')
      found.set(field['field'], columnSchemas(field));
  }
  return found;
}

function columnSchemas(struct: Readonly<Record<string, unknown>>): ReadonlyMap<string, WireSchema> {
  const columns = new Map<string, WireSchema>();
  for (const field of listOf(struct['fields'])) {
    if (!isRecord(field) || typeof field['field'] !== 'string') continue;
    const { name, type, parameters } = field;
    columns.set(field['field'], {
      name: typeof name === 'string' ? name : null,
      type: typeof type === 'string' ? type : '',
      parameters: isRecord(parameters)
        ? Object.fromEntries(
            Object.entries(parameters).flatMap(([k, v]) =>
              ['string', 'number', 'bigint'].includes(typeof v) ? [[k, String(v)]] : [],
            ),
          )
        : {},
    });
  }
  return columns;
}

function wireRow(
  columns: Readonly<Record<string, unknown>>,
  schemas: ReadonlyMap<string, WireSchema> | null,
): WireRow {
  // Not by assignment: a column may be called __proto__.
  return Object.fromEntries(
    Object.entries(columns).map(([column, value]) => [
      columnName(column),
      { value, schema: schemas?.get(column) ?? null },
    ]),
  );
}

/** Strict, since a record that is taken for one of these is passed over: a flattened row may well have an `id`. */
function otherKind(payload: unknown): 'message' | 'schema-change' | 'transaction' | null {
  if (!isRecord(payload)) return null;
  if (payload['op'] === 'm') return 'message';
  if ('op' in payload) return null;
  if (isRecord(payload['source']) && ('ddl' in payload || 'tableChanges' in payload)) return 'schema-change';
  const { status } = payload;
  if ((status === 'BEGIN' || status === 'END') && 'data_collections' in payload) return 'transaction';
  return null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
