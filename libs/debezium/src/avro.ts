import avro from 'avsc';
import type { WireSchema } from '#core/change-event';
import { FicusError, reasonOf } from '#core/errors';
import { isRecord, listOf, parametersOf, type Side } from './side.ts';

/** A schema that Avro bytes can be read by. */
export interface AvroSchema {
  readonly type: avro.Type;
  readonly schemas: Side['schemas'];
  /** Defaults of the columns that may be null, see `Side`. */
  readonly defaults: NonNullable<Side['defaults']>;
}

/** An Avro schema's JSON. */
type Raw = Readonly<Record<string, unknown>>;

/** Avro's longs have 64 bits: a number where that holds every digit, else a BigInt. */
function longType(): avro.Type {
  return avro.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => {
      const long = bytes.readBigInt64LE();
      const short = Number(long);
      return Number.isSafeInteger(short) ? short : long;
    },
    toBuffer: (value: number | bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(value));
      return bytes;
    },
    fromJSON: (value: number) => value,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint' || Number.isInteger(value),
    compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
  });
}

/** Schemas as they were written, by what was made of them: avsc drops what Connect adds (`connect.name` and so on). */
const rawOf = new WeakMap<avro.Type, Raw>();
const building = new WeakSet<object>();

/** How avsc has to build every type: longs without loss, and the schema's own JSON remembered. */
export const AVRO_OPTIONS: Partial<avro.ForSchemaOptions> = {
  typeHook: (schema, options) => {
    if (schema === 'long' || (isRecord(schema) && schema['type'] === 'long')) return longType();
    if (!isRecord(schema) || schema['type'] !== 'record' || building.has(schema)) return undefined;
    // avsc judges defaults, which only matter to who reads by another schema than the writer's.
    const bare = Array.isArray(schema.fields)
      ? { ...schema, fields: schema.fields.map(({ default: _, ...rest }) => rest) }
      : { ...schema };
    // It comes here once more by itself; then the type is built in the usual way.
    building.add(bare);
    try {
      const type = avro.Type.forSchema(bare, options);
      rawOf.set(type, schema);
      return type;
    } finally {
      building.delete(bare);
    }
  },
};

/** @throws FicusError `event_unparsable` when it is no schema. */
export function avroSchema(text: string): AvroSchema {
  try {
    // A copy: avsc notes the names of one schema's types in it.
    return describe(avro.Type.forSchema(JSON.parse(text), { ...AVRO_OPTIONS }));
  } catch (cause) {
    throw new FicusError('event_unparsable', `no Avro schema: ${reasonOf(cause)}`, { cause });
  }
}

/** What Connect's converter has noted in a type that was built by `AVRO_OPTIONS`. */
export function describe(type: avro.Type): AvroSchema {
  const raw = rawOf.get(type);
  if (raw === undefined) return { type, schemas: null, defaults: new Map() };
  const records = new Map<string, Raw>();
  collect(raw, '', records);
  const namespace = namespaceOf(raw, '');
  const found = new Map([['', columnSchemas(raw, namespace, records)]]);
  const defaults = new Map([['', columnDefaults(raw)]]);
  for (const field of listOf(raw['fields'])) {
    if (!isRecord(field) || typeof field['name'] !== 'string') continue;
    const struct = resolve(withoutNull(field['type']), namespace, records);
    if (struct === null) continue;
    found.set(field['name'], columnSchemas(struct, namespaceOf(struct, namespace), records));
    defaults.set(field['name'], columnDefaults(struct));
  }
  return { type, schemas: found, defaults };
}

/**
 * Reads a datum.
 * @param nullsReplaced does the converter send a column's default in place of NULL?
 * @throws FicusError `event_unparsable` when the bytes are none of the schema.
 */
export function avroSide(
  { type, schemas, defaults }: AvroSchema,
  bytes: Buffer,
  nullsReplaced: boolean,
): Side {
  let payload: unknown;
  try {
    payload = type.fromBuffer(bytes);
    // avsc puts U+FFFD for bytes that are no UTF-8: then the text would not be what was sent.
    if (!holdsReplacement(payload) || type.toBuffer(payload).equals(bytes))
      return { payload, isAvro: true, schemas, plain, ...(nullsReplaced ? { defaults } : {}) };
  } catch (cause) {
    throw new FicusError('event_unparsable', `not Avro of its schema: ${reasonOf(cause)}`, { cause });
  }
  throw new FicusError('event_unparsable', 'a text in it is not UTF-8');
}

function holdsReplacement(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\ufffd');
  if (Array.isArray(value)) return value.some(holdsReplacement);
  return isRecord(value) && !Buffer.isBuffer(value) && Object.values(value).some(holdsReplacement);
}

/** Bytes as base64, records as plain objects, numbers that JSON lacks as text: what Connect's JSON has. */
function plain(value: unknown): unknown {
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (Buffer.isBuffer(value)) return value.toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, plain(member)]));
}

function columnSchemas(
  struct: Raw,
  namespace: string,
  records: ReadonlyMap<string, Raw>,
): ReadonlyMap<string, WireSchema> {
  const columns = new Map<string, WireSchema>();
  for (const field of listOf(struct['fields'])) {
    if (isRecord(field) && typeof field['name'] === 'string')
      columns.set(field['name'], wireSchema(withoutNull(field['type']), namespace, records));
  }
  return columns;
}

function columnDefaults(struct: Raw): ReadonlyMap<string, unknown> {
  const defaults = new Map<string, unknown>();
  for (const field of listOf(struct['fields'])) {
    if (!isRecord(field) || typeof field['name'] !== 'string' || !Array.isArray(field['type'])) continue;
    const { default: value } = field;
    if (value === null || value === undefined || !field['type'].includes('null')) continue;
    defaults.set(field['name'], plainDefault(withoutNull(field['type']), value));
  }
  return defaults;
}

/** A default as the value itself would come: a schema writes bytes as a text of one character each. */
function plainDefault(type: unknown, value: unknown): unknown {
  const kind = isRecord(type) ? type['type'] : type;
  if (kind === 'bytes') return Buffer.from(String(value), 'latin1').toString('base64');
  if (kind === 'float') return Math.fround(Number(value));
  if (!isRecord(type) || !isRecord(value)) return value;
  const members = listOf(type['fields']).filter(isRecord);
  return Object.fromEntries(
    members.map(({ name, type: of }) => [String(name), plainDefault(of, value[String(name)])]),
  );
}

/** By Connect's names of types, so that nobody has to know Avro's. */
const CONNECT_TYPES: Readonly<Record<string, string>> = {
  int: 'int32',
  long: 'int64',
  record: 'struct',
  enum: 'string',
  fixed: 'bytes',
};

function wireSchema(type: unknown, namespace: string, records: ReadonlyMap<string, Raw>): WireSchema {
  const found = resolve(type, namespace, records) ?? (isRecord(type) ? type : { type });
  const name = found['connect.name'];
  const avroType = String(found['type']);
  const declared = found['connect.type'];
  return {
    name: typeof name === 'string' ? name : null,
    type: typeof declared === 'string' ? declared : (CONNECT_TYPES[avroType] ?? avroType),
    parameters: parametersOf(found['connect.parameters']),
    ...(found['items'] === undefined
      ? {}
      : { items: wireSchema(withoutNull(found['items']), namespace, records) }),
  };
}

/** An optional column is a union with null. */
function withoutNull(type: unknown): unknown {
  if (!Array.isArray(type)) return type;
  return type.find((branch) => branch !== 'null');
}

/** The record that a type is or names; null for anything else. */
function resolve(type: unknown, namespace: string, records: ReadonlyMap<string, Raw>): Raw | null {
  if (typeof type === 'string') return records.get(fullName(type, namespace)) ?? null;
  return isRecord(type) && type['type'] === 'record' ? type : null;
}

function collect(type: unknown, namespace: string, records: Map<string, Raw>): void {
  if (Array.isArray(type)) for (const branch of type) collect(branch, namespace, records);
  if (!isRecord(type)) return;
  const inner = namespaceOf(type, namespace);
  if (type['type'] === 'record') records.set(fullName(String(type['name']), inner), type);
  for (const field of listOf(type['fields'])) if (isRecord(field)) collect(field['type'], inner, records);
  for (const nested of [type['items'], type['values']]) collect(nested, inner, records);
}

function namespaceOf(record: Raw, outer: string): string {
  const { name, namespace } = record;
  if (typeof name === 'string' && name.includes('.')) return name.slice(0, name.lastIndexOf('.'));
  return typeof namespace === 'string' ? namespace : outer;
}

function fullName(name: string, namespace: string): string {
  return name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
}
