import type { ChangeEvent, ValueDecoder, WireRow } from '#core/change-event';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import { avroSide } from './avro.ts';
import { type Rowless, readEnvelope, rowlessKind } from './envelope.ts';
import { type FlatForm, isFlat, readFlat, readTombstone } from './flat.ts';
import { JsonSides } from './json-side.ts';
import { type KnownTable, KnownTables, namesOf } from './known-table.ts';
import { headerOf, type LogRecord } from './log-record.ts';
import { isConfluent, readSchemaHeader, type SchemaReference, splitConfluent } from './schema-reference.ts';
import type { CachedSchemas } from './schema-registry.ts';
import { isRecord, rowOf, type Side } from './side.ts';
import { valueDecoder } from './value.ts';
import { FICUS_MODES, type WireModes } from './wire-modes.ts';

/** `tombstone` is none that deletes; `other` are records that carry no row, told by their content. */
export type DecodedRecord =
  | { readonly kind: 'change'; readonly event: ChangeEvent }
  | { readonly kind: 'tombstone' }
  | { readonly kind: 'other'; readonly what: Rowless };

/** What a record does not say by itself about how it was written. */
export interface RecordForm {
  /** Does the connector change names to what Avro can spell (`field.name.adjustment.mode=avro`), in JSON too? */
  readonly adjustedNames: boolean;
  /** Does the converter send a column's default in place of NULL? */
  readonly nullsReplaced: boolean;
  /** Rows without envelopes; null: whole change events. */
  readonly flat: FlatForm | null;
  /** The connector's modes, which have made the values what they are. */
  readonly modes: WireModes;
}

/** Whole change events in the modes that Ficus configures. */
export const PLAIN_FORM: RecordForm = {
  adjustedNames: false,
  nullsReplaced: false,
  flat: null,
  modes: FICUS_MODES,
};

export interface DecoderParts {
  /** Null: the system has no registry, so Avro cannot be read. */
  readonly schemas: CachedSchemas | null;
  /** @throws FicusError retryable while it is not known, or is one by which the plan's rows would be lost. */
  readonly form: (plan: Plan | null) => RecordForm;
}

const SIDES = ['key', 'value'] as const;
type SideName = (typeof SIDES)[number];

/** Confluent's: where a schema is named by a record's header. */
const SCHEMA_HEADERS = { key: '__key_schema_id', value: '__value_schema_id' } as const;

/**
 * Turns the records of one legacy system into change events. JSON with or without schema, and Avro, are told apart by
 * each side of each record; only what no record says is configured.
 */
export class RecordDecoder {
  readonly #parts: DecoderParts;
  readonly #json = new JsonSides();
  readonly #decoders = new WeakMap<WireModes, ValueDecoder>();
  readonly #tables = new WeakMap<Plan, { readonly of: RecordForm; readonly tables: KnownTables }>();

  constructor(parts: DecoderParts) {
    this.#parts = parts;
  }

  /**
   * Fetches what the records need: the same records can then be decoded at once.
   * @throws FicusError retryable, `registry_unavailable` or what keeps the form from being known.
   */
  async prepare(records: readonly LogRecord[], plan: Plan | null): Promise<void> {
    this.#parts.form(plan);
    const { schemas } = this.#parts;
    if (schemas === null) return;
    await schemas.prepare(records.flatMap(referencesOf));
  }

  /** What the records of a plan do not say by themselves, as it stands. @throws FicusError as `prepare`. */
  form(plan: Plan): RecordForm {
    return this.#parts.form(plan);
  }

  /**
   * @param incarnation of the topic, see `LogPosition`.
   * @param plan whose tables are on the topic; null for Ficus's own.
   * @param key what `key` has answered of the record, where it was asked before.
   * @throws FicusError `event_unparsable` when it is none of the forms, `event_unsupported` when a name is ambiguous.
   */
  decode(record: LogRecord, incarnation: number, plan: Plan | null, key?: WireRow | null): DecodedRecord {
    const form = this.#parts.form(plan);
    const tables = plan === null ? null : this.#tablesOf(plan, form);
    const origin = { record, incarnation, tables };
    const { flat } = form;
    const value = this.#side(record, 'value', form);
    // A delete that was flattened keeps its schema, and so JSON writes it as a null of its own.
    if (value === null || (flat !== null && value.payload === null)) {
      if (flat?.tombstones !== 'delete') return { kind: 'tombstone' };
      return {
        kind: 'change',
        event: readTombstone(flat, this.#side(record, 'key', form), origin),
      };
    }
    if (flat !== null && isFlat(flat, record, value))
      return {
        kind: 'change',
        event: readFlat(flat, value, this.#side(record, 'key', form), origin),
      };
    const what = rowlessKind(value.payload, () => this.#side(record, 'key', form)?.payload);
    if (what !== null) return { kind: 'other', what };
    const keyOf = (of: KnownTable | null): WireRow | null =>
      key === undefined ? keyRow(this.#side(record, 'key', form), of) : key;
    return { kind: 'change', event: readEnvelope(value, keyOf, origin) };
  }

  /** Decodes the values of what `decode` has read. */
  values(plan: Plan): ValueDecoder {
    const { modes } = this.#parts.form(plan);
    const known = this.#decoders.get(modes) ?? valueDecoder(modes);
    this.#decoders.set(modes, known);
    return known;
  }

  /** The key's columns; null: the record has none. @throws FicusError `event_unparsable`. */
  key(record: LogRecord, plan: Plan): WireRow | null {
    const form = this.#parts.form(plan);
    return keyRow(this.#side(record, 'key', form), this.#tablesOf(plan, form).byTopic(record.topic));
  }

  /** A value that is no change of a row, as plain data; null for a record without one. @throws FicusError `event_unparsable`. */
  payload(record: LogRecord): unknown {
    const value = this.#side(record, 'value', PLAIN_FORM);
    return value === null ? null : value.plain(value.payload);
  }

  #side(record: LogRecord, name: SideName, form: RecordForm): Side | null {
    const bytes = record[name];
    if (bytes === null) return null;
    const header = headerOf(record, SCHEMA_HEADERS[name]);
    try {
      if (header !== null) return this.#avro(readSchemaHeader(header), bytes, form);
      if (!isConfluent(bytes)) return this.#json.read(record.topic, name, bytes);
      const { reference, datum } = splitConfluent(bytes);
      return this.#avro(reference, datum, form);
    } catch (cause) {
      if (!(cause instanceof FicusError)) throw cause;
      throw new FicusError(cause.code, `${name}: ${cause.message}`, { cause, retryable: cause.retryable });
    }
  }

  #avro(reference: SchemaReference, datum: Buffer, form: RecordForm): Side {
    const { schemas } = this.#parts;
    if (schemas !== null) return avroSide(schemas.get(reference), datum, form.nullsReplaced);
    throw new FicusError(
      'event_unparsable',
      'it is Avro by its first byte or its header, and systems.yaml names no registry of the system (capture.registry)',
    );
  }

  #tablesOf(plan: Plan, form: RecordForm): KnownTables {
    const known = this.#tables.get(plan);
    if (known?.of === form) return known.tables;
    const tables = new KnownTables(plan, form.adjustedNames);
    this.#tables.set(plan, { of: form, tables });
    return tables;
  }
}

function keyRow(key: Side | null, known: KnownTable | null): WireRow | null {
  if (key === null || !isRecord(key.payload)) return null;
  return rowOf(key, '', key.payload, namesOf(known, key));
}

/** The headers that are read of records of this form; others say nothing. */
export function headersRead({ flat }: RecordForm): readonly string[] {
  return [...Object.values(SCHEMA_HEADERS), ...Object.values(flat?.headers ?? {})];
}

/** Does a side of the record need a schema of a registry? */
export function isAvro(record: LogRecord): boolean {
  return SIDES.some((name) => {
    const bytes = record[name];
    return bytes !== null && (headerOf(record, SCHEMA_HEADERS[name]) !== null || isConfluent(bytes));
  });
}

function referencesOf(record: LogRecord): readonly SchemaReference[] {
  return SIDES.flatMap((name) => referenceOf(record, name) ?? []);
}

/** What cannot be read is said by `decode`. */
function referenceOf(record: LogRecord, name: SideName): SchemaReference | null {
  const bytes = record[name];
  if (bytes === null) return null;
  try {
    const header = headerOf(record, SCHEMA_HEADERS[name]);
    if (header !== null) return readSchemaHeader(header);
    return isConfluent(bytes) ? splitConfluent(bytes).reference : null;
  } catch {
    return null;
  }
}
