import type { ChangeEvent, WireRow } from '#core/change-event';
import { FicusError } from '#core/errors';
import type { Origin } from './envelope.ts';
import { type KnownTable, type KnownTables, namesOf } from './known-table.ts';
import { headerOf, type LogRecord } from './log-record.ts';
import { streamPosition } from './position.ts';
import { isRecord, rowOf, type Side } from './side.ts';

/** What the flattening can add of an envelope, by the names of its settings `add.fields` and `add.headers`. */
export const METADATA = [
  'op',
  'schema',
  'table',
  'lsn',
  'sequence',
  'commit_lsn',
  'change_lsn',
  'source.ts_ms',
] as const;
export type Metadata = (typeof METADATA)[number];

/** Names by what they hold. */
export type Places = Readonly<Partial<Record<Metadata, string>>>;

/** How a system's rows come without their envelopes (`ExtractNewRecordState`). */
export interface FlatForm {
  readonly connector: 'postgres' | 'db2';
  /** Members of the row that the flattening adds. */
  readonly fields: Places;
  /** Headers that it adds, to records without a value too. */
  readonly headers: Places;
  /** All members of a row that are no columns. */
  readonly added: ReadonlySet<string>;
  /** Is a record without a value a delete? Where deletes come as rows too, it is none. */
  readonly tombstones: 'delete' | 'ignored';
}

/** Marks a delete that was rewritten to a row ("true"), and every other row ("false"). */
export const DELETED = '__deleted';

const OPS = { c: 'create', u: 'update', d: 'delete', r: 'read' } as const;

/** Is it a row with what the flattening adds? Without it, it is something else that passed the transform unchanged. */
export function isFlat({ fields, headers }: FlatForm, record: LogRecord, value: Side): boolean {
  if (!isRecord(value.payload)) return false;
  if (fields.op !== undefined) return Object.hasOwn(value.payload, fields.op);
  return headers.op !== undefined && headerOf(record, headers.op) !== null;
}

/**
 * Reads a row without its envelope.
 * @throws FicusError `event_unparsable`.
 */
export function readFlat(
  form: FlatForm,
  value: Side,
  key: Side | null,
  { record, incarnation, tables }: Origin,
): ChangeEvent {
  if (!isRecord(value.payload)) throw new FicusError('event_unparsable', 'a flattened row must be an object');
  const row = value.payload;
  const meta = new Meta(form, record, row);
  const op = row[DELETED] === 'true' ? 'delete' : operation(meta.text('op'));
  const table = tableOf(meta, record, tables);
  const known = tables?.byName(table) ?? null;
  const columns = Object.fromEntries(Object.entries(row).filter(([name]) => !form.added.has(name)));
  const image = rowOf(value, '', columns, namesOf(known, value));
  const keyRow =
    key === null || !isRecord(key.payload) ? null : rowOf(key, '', key.payload, namesOf(known, key));
  if (op === 'update') demandParent(table, known, keyRow);
  const committedAt = meta.integer('source.ts_ms');
  return {
    table,
    op,
    key: keyRow,
    before: op === 'delete' ? image : null,
    after: op === 'delete' ? null : image,
    position: meta.position(),
    committedAt: committedAt === null ? null : Number(committedAt),
    log: { incarnation, partition: record.partition, offset: record.offset },
    calendar: op === 'read' && form.connector === 'postgres' ? 'hybrid' : 'proleptic',
    tombstones: form.tombstones === 'delete',
  };
}

/**
 * Reads the delete that is a record without a value. Its headers may hold its position (`add.headers`); else it has
 * none but its place in the log.
 * @throws FicusError `event_unparsable`.
 */
export function readTombstone(
  form: FlatForm,
  key: Side | null,
  { record, incarnation, tables }: Origin,
): ChangeEvent {
  if (key === null || !isRecord(key.payload))
    throw new FicusError('event_unparsable', 'a record without a value is a delete here, and it has no key');
  const meta = new Meta(form, record, {});
  const table = tableOf(meta, record, tables);
  const committedAt = meta.integer('source.ts_ms');
  return {
    table,
    op: 'tombstone',
    key: rowOf(key, '', key.payload, namesOf(tables?.byName(table) ?? null, key)),
    before: null,
    after: null,
    position: meta.position(),
    committedAt: committedAt === null ? null : Number(committedAt),
    log: { incarnation, partition: record.partition, offset: record.offset },
    calendar: 'proleptic',
    tombstones: true,
  };
}

/** An update says what the row is, not what it was: that it has left another parent must show in its key. */
function demandParent(table: string, known: KnownTable | null, key: WireRow | null): void {
  const missing = known?.parentKey.filter((column) => key?.[column] === undefined) ?? [];
  if (missing.length === 0) return;
  throw new FicusError(
    'event_unsupported',
    `a flattened update of ${table} does not say which parent the row had before; its primary key would have to hold ${missing.join(', ')}`,
  );
}

function operation(op: string | null): ChangeEvent['op'] {
  if (op !== null && Object.hasOwn(OPS, op)) return OPS[op as keyof typeof OPS];
  throw new FicusError(
    'event_unparsable',
    `a flattened row of operation ${op}; legal are ${Object.keys(OPS).join(', ')}`,
  );
}

/** What a record says wins over the topic it is on, which must not say otherwise. */
function tableOf(meta: Meta, { topic }: LogRecord, tables: KnownTables | null): string {
  // Ficus's own: nobody asks for more than that.
  if (tables === null) return topic;
  const known = tables.byTopic(topic);
  const schema = meta.text('schema');
  const table = meta.text('table');
  if (schema !== null && table !== null) return `${schema}.${table}`;
  if (known !== null && (table === null || known.table.endsWith(`.${table}`))) return known.table;
  throw new FicusError(
    'event_unparsable',
    `a flattened row on ${topic} ${table === null ? 'names no table' : `of table ${table}`}, and ` +
      `${known === null ? 'no plan has one table on that topic' : `the plan has ${known.table} there`}; ` +
      "add schema and table to the transform's add.fields",
  );
}

/** What the flattening has kept of a record's envelope. */
class Meta {
  readonly #form: FlatForm;
  readonly #record: LogRecord;
  readonly #row: Readonly<Record<string, unknown>>;

  constructor(form: FlatForm, record: LogRecord, row: Readonly<Record<string, unknown>>) {
    this.#form = form;
    this.#record = record;
    this.#row = row;
  }

  text(name: Metadata): string | null {
    const value = this.#read(name);
    if (value === null || typeof value === 'string') return value;
    throw this.#wrong(name, 'a text');
  }

  integer(name: Metadata): bigint | null {
    const value = this.#read(name);
    if (value === null || typeof value === 'bigint') return value;
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
    if (typeof value === 'string' && /^-?\d+$/.test(value)) return BigInt(value);
    throw this.#wrong(name, 'an integer');
  }

  position(): ChangeEvent['position'] {
    return this.#form.connector === 'postgres'
      ? streamPosition({ lsn: this.integer('lsn'), sequence: this.text('sequence') })
      : streamPosition({ commit_lsn: this.text('commit_lsn'), change_lsn: this.text('change_lsn') });
  }

  #read(name: Metadata): unknown {
    const { fields, headers } = this.#form;
    const field = fields[name];
    if (field !== undefined && Object.hasOwn(this.#row, field)) return this.#row[field] ?? null;
    const header = headers[name];
    const text = header === undefined ? undefined : headerOf(this.#record, header)?.toString('utf8');
    // Connect's header converter writes a null as this text.
    return text === undefined || text === 'null' ? null : text;
  }

  #wrong(name: Metadata, legal: string): FicusError {
    return new FicusError(
      'event_unparsable',
      `${name} of a flattened row is ${JSON.stringify(String(this.#read(name)))}; legal is ${legal}`,
    );
  }
}
