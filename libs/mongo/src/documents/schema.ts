import type { Db, Document } from 'mongodb';
import type { FieldType } from '#core/field-type';
import type { Field, Plan } from '#core/plan';
import { MEND } from './stored.ts';

const BSON_TYPES: Readonly<Record<FieldType['kind'], string>> = {
  array: 'array',
  bits: 'string',
  boolean: 'bool',
  bytes: 'binData',
  date: 'date',
  decimal: 'decimal',
  double: 'double',
  float: 'double',
  hstore: 'string',
  int: 'int',
  interval: 'string',
  json: 'string',
  long: 'long',
  string: 'string',
  time: 'string',
  timestamp: 'string',
  timestamptz: 'string',
  timetz: 'string',
  uuid: 'string',
};

/**
 * The collection's validator: the fence (a write must carry at least this term) and the plan's schema, always both,
 * built only here. A tombstone, or a parent whose row has not come yet, needs no fields.
 */
export function validatorOf(plan: Plan, term: number): Document {
  const embeds = plan.embeds.map((embed): [string, Document] => {
    const rows = { bsonType: 'object', required: ['_m'], properties: tree(embed.fields) };
    return [
      embed.path,
      embed.cardinality === 'one'
        ? { oneOf: [rows, { bsonType: 'null' }] }
        : { bsonType: 'array', items: rows },
    ];
  });
  const properties = { ...tree(plan.root.fields), ...Object.fromEntries(embeds) };
  const required = [...new Set(plan.root.fields.map((field) => field.segments[0] ?? field.path))];
  return {
    $and: [
      fenceOf(term),
      { $jsonSchema: { properties } },
      { $or: [{ '_m.live': false }, { '_m.miss': { $exists: true } }, { $jsonSchema: { required } }] },
    ],
  };
}

/** Leaves the fence as the only rule of an existing collection, while a changed plan is rolled out. */
export async function relaxCollection(db: Db, plan: Plan, term: number): Promise<void> {
  if (await exists(db, plan.collection)) await modify(db, plan.collection, fenceOf(term));
}

/**
 * Makes the collection with its validator, or brings an existing one up to the plan, and the index of the documents
 * that must be read from the source, which is empty most of the time. Idempotent. `_id` is the key.
 */
export async function ensureCollection(db: Db, plan: Plan, term: number): Promise<void> {
  const validator = validatorOf(plan, term);
  if (await exists(db, plan.collection)) await modify(db, plan.collection, validator);
  else await db.createCollection(plan.collection, { validator, ...STRICT });
  await db.collection(plan.collection).createIndex({ [MEND]: 1 }, { name: 'ficus_mend', sparse: true });
}

const STRICT = { validationLevel: 'strict', validationAction: 'error' } as const;

function fenceOf(term: number): Document {
  return { '_m.t': { $type: 'int', $gte: term } };
}

async function exists(db: Db, collection: string): Promise<boolean> {
  return (await db.listCollections({ name: collection }, { nameOnly: true }).toArray()).length > 0;
}

async function modify(db: Db, collection: string, validator: Document): Promise<void> {
  await db.command({ collMod: collection, validator, ...STRICT, maxTimeMS: 30_000 });
}

function tree(fields: readonly Field[]): Record<string, Document> {
  const properties: Record<string, Document> = {};
  for (const field of fields) {
    let at = properties;
    for (const segment of field.segments.slice(0, -1)) {
      at[segment] ??= { bsonType: 'object', properties: {} };
      at = at[segment].properties as Record<string, Document>;
    }
    at[field.segments.at(-1) ?? field.path] = valueSchema(field.type);
  }
  return properties;
}

function valueSchema(type: FieldType): Document {
  const nullable = { bsonType: [...bsonTypes(type), 'null'] };
  return type.kind === 'array' ? { ...nullable, items: valueSchema(type.of) } : nullable;
}

function bsonTypes(type: FieldType): readonly string[] {
  if (type.kind === 'decimal' && type.extended === true) return ['decimal', 'string'];
  if (type.kind !== 'timestamp' && type.kind !== 'timestamptz') return [BSON_TYPES[type.kind]];
  if (type.precision <= 3) return ['date'];
  return [type.extended === true ? 'long' : 'string'];
}
