import { Binary, Decimal128, Double, Int32, Long } from 'mongodb';
import { isoFromMillis } from '#core/calendar';
import type { DocumentKey } from '#core/document';
import { type CanonicalScalar, type CanonicalValue, type FieldType, isList } from '#core/field-type';
import { keyFields, type Plan } from '#core/plan';
import { plainDecimal } from '#core/value';

/**
 * Canonical values to BSON and back, exact both ways (the table in core/field-type says which type holds what).
 * Read with BSON_OPTIONS, so that no 64-bit value becomes a JavaScript number on the way.
 */
export const BSON_OPTIONS = { promoteLongs: false, promoteBuffers: false, ignoreUndefined: false } as const;

export function toBson(type: FieldType, value: CanonicalValue): unknown {
  if (value === null) return null;
  switch (type.kind) {
    case 'int':
      return new Int32(Number(value));
    case 'long':
      return Long.fromString(String(value));
    case 'decimal':
      return Decimal128.fromString(String(value));
    case 'double':
    case 'float':
      return new Double(Number(value));
    case 'bytes':
      return new Binary(Buffer.from(String(value), 'base64'));
    case 'date':
      return new Date(`${String(value)}T00:00:00Z`);
    case 'timestamp':
      return type.precision <= 3 ? new Date(`${String(value)}Z`) : value;
    case 'timestamptz':
      return type.precision <= 3 ? new Date(String(value)) : value;
    case 'array':
      return isList(value) ? value.map((element) => toBson(type.of, element)) : value;
    case 'bits':
    case 'boolean':
    case 'hstore':
    case 'interval':
    case 'json':
    case 'string':
    case 'time':
    case 'timetz':
    case 'uuid':
      return value;
  }
}

/** A value that is none of the type's own (written by somebody else) comes back as its text: a scan shows it. */
export function fromBson(type: FieldType, value: unknown): CanonicalValue {
  if (type.kind === 'array' && Array.isArray(value))
    return value.map((element) => scalarFromBson(type.of, element));
  return scalarFromBson(type, value);
}

function scalarFromBson(type: FieldType, value: unknown): CanonicalScalar {
  if (value === null || value === undefined) return null;
  if (value instanceof Date) return fromDate(type, value);
  if (value instanceof Decimal128) return plainDecimal(value.toString());
  if (Long.isLong(value)) return value.toString();
  if (value instanceof Binary)
    return Buffer.from(value.buffer.subarray(0, value.position)).toString('base64');
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return String(value);
}

function fromDate(type: FieldType, value: Date): string {
  // BSON dates reach further than JavaScript's.
  if (Number.isNaN(value.getTime())) return String(value);
  const text = isoFromMillis(value.getTime());
  if (type.kind === 'date') return text.slice(0, 10);
  const precision = type.kind === 'timestamp' || type.kind === 'timestamptz' ? type.precision : 3;
  const cut = precision === 0 ? text.slice(0, 19) : text.slice(0, 20 + precision);
  return type.kind === 'timestamptz' ? `${cut}Z` : cut;
}

/** `_id`: the value itself for a key of one field, else a sub-document of the fields in the plan's order. */
export function toId(plan: Plan, key: DocumentKey): unknown {
  const fields = keyFields(plan.root);
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) return toBson(only.type, key[0] ?? null);
  return Object.fromEntries(
    fields.map((field, index) => [idMember(field.path), toBson(field.type, key[index] ?? null)]),
  );
}

export function fromId(plan: Plan, id: unknown): DocumentKey {
  const fields = keyFields(plan.root);
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) return [fromBson(only.type, id)];
  const members = id as Readonly<Record<string, unknown>>;
  return fields.map((field) => fromBson(field.type, members[idMember(field.path)]));
}

function idMember(path: string): string {
  return path.replaceAll('.', '_');
}
