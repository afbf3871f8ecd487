import { Binary, Decimal128, Double, Int32, Long } from 'mongodb';
import { END_OF_TIME, isInfinite, isoFromMillis, microsOf, millisOf, stampFromMicros } from '#core/calendar';
import type { DocumentKey } from '#core/document';
import { type CanonicalScalar, type CanonicalValue, type FieldType, isList } from '#core/field-type';
import { keyFields, type Plan } from '#core/plan';
import { fitsDecimal128, plainDecimal } from '#core/value';
import { type BsonWriter, indexName, type Name } from '../bson-writer.ts';

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
      return toLong(String(value));
    case 'decimal':
      return fitsDecimal128(String(value)) ? Decimal128.fromString(String(value)) : value;
    case 'double':
    case 'float':
      return new Double(Number(value));
    case 'bytes':
      return new Binary(Buffer.from(String(value), 'base64'));
    case 'date':
      return toDate(String(value));
    case 'timestamp':
    case 'timestamptz':
      if (type.precision <= 3) return toDate(String(value));
      return type.extended === true ? Long.fromBigInt(microsOf(String(value))) : value;
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

/**
 * Writes what `toBson` makes of a value of the type. One that is none (read from a document which somebody else has written,
 * or which was written under an earlier plan) is written as it is, so that the collection's validator refuses it.
 */
export function writeValue(out: BsonWriter, name: Name, type: FieldType, value: CanonicalValue): void {
  if (!writeTyped(out, name, type, value)) writeAsIs(out, name, value);
}

/** @returns false: it is no value of the type, and is not written. */
function writeTyped(out: BsonWriter, name: Name, type: FieldType, value: CanonicalValue): boolean {
  switch (type.kind) {
    case 'int':
      return typeof value === 'number' && isInt32(value) && out.int(name, value);
    case 'long':
      return typeof value === 'string' && INTEGER.test(value) && out.long(name, value);
    case 'decimal':
      if (typeof value !== 'string' || !NUMBER.test(value)) return false;
      return fitsDecimal128(value) ? out.decimal(name, value) : out.text(name, value);
    case 'double':
    case 'float':
      if (typeof value !== 'number' && !(typeof value === 'string' && NO_NUMBER.test(value))) return false;
      return out.double(name, Number(value));
    case 'bytes':
      return typeof value === 'string' && out.binary(name, Buffer.from(value, 'base64'));
    case 'date':
      return typeof value === 'string' && writeTime(out, name, value);
    case 'timestamp':
    case 'timestamptz':
      if (typeof value !== 'string') return false;
      if (type.precision <= 3) return writeTime(out, name, value);
      return type.extended === true ? out.long(name, microsOf(value)) : out.text(name, value);
    case 'array': {
      if (!isList(value)) return false;
      const from = out.openArray(name);
      for (const [index, element] of value.entries()) writeValue(out, indexName(index), type.of, element);
      return out.close(from);
    }
    case 'boolean':
      return typeof value === 'boolean' && out.boolean(name, value);
    case 'bits':
    case 'hstore':
    case 'interval':
    case 'json':
    case 'string':
    case 'time':
    case 'timetz':
    case 'uuid':
      return typeof value === 'string' && out.text(name, value);
  }
}

const INTEGER = /^-?\d{1,19}$/;
const NUMBER = /^-?\d+(?:\.\d+)?$|^NaN$|^-?Infinity$/;
const NO_NUMBER = /^NaN$|^-?Infinity$/;

function isInt32(value: number): boolean {
  return (value | 0) === value;
}

function writeTime(out: BsonWriter, name: Name, text: string): boolean {
  const ms = toTime(text);
  return Number.isSafeInteger(ms) && out.date(name, ms);
}

function writeAsIs(out: BsonWriter, name: Name, value: CanonicalValue): void {
  if (value === null) out.null(name);
  else if (typeof value === 'string') out.text(name, value);
  else if (typeof value === 'boolean') out.boolean(name, value);
  else if (typeof value === 'number' && isInt32(value)) out.int(name, value);
  else if (typeof value === 'number') out.double(name, value);
  else {
    const from = out.openArray(name);
    for (const [index, element] of value.entries()) writeAsIs(out, indexName(index), element);
    out.close(from);
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
  if (Long.isLong(value)) return fromLong(type, value);
  if (value instanceof Binary)
    return Buffer.from(value.buffer.subarray(0, value.position)).toString('base64');
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value === 'string' || typeof value === 'boolean') return value;
  return String(value);
}

function fromDate(type: FieldType, value: Date): string {
  // BSON dates reach further than JavaScript's.
  if (Number.isNaN(value.getTime())) return String(value);
  const ms = value.getTime();
  if (isExtended(type) && Math.abs(ms) === END_OF_TIME) return ms > 0 ? 'infinity' : '-infinity';
  const text = isoFromMillis(ms);
  if (type.kind === 'date') return text.split('T')[0] ?? '';
  const precision = isStamp(type) ? type.precision : 3;
  const cut = precision === 0 ? text.slice(0, -4) : text.slice(0, text.length - 3 + Math.min(precision, 3));
  return type.kind === 'timestamptz' ? `${cut}Z` : cut;
}

/** Milliseconds are all that a BSON date has; the infinities stand at its ends. */
function toDate(text: string): Date {
  return new Date(toTime(text));
}

function toTime(text: string): number {
  if (isInfinite(text)) return text === 'infinity' ? END_OF_TIME : -END_OF_TIME;
  return millisOf(text);
}

/** Digits that a JavaScript number holds whatever they are. */
const SAFE_DIGITS = 15;
/** Of an int64 made of two halves. */
const HALF = 2 ** 32;

/** `Long.fromString` divides; nearly all texts are short enough to do without. */
function toLong(text: string): Long {
  if (text.length > SAFE_DIGITS) return Long.fromString(text);
  const value = Number(text);
  return new Long(value | 0, Math.floor(value / HALF));
}

export function longText(value: Long): string {
  const { high } = value;
  return high >= -(2 ** 20) && high < 2 ** 20
    ? String(high * HALF + value.getLowBitsUnsigned())
    : value.toString();
}

/** `Long.toBigInt` goes by its text. */
export function bigintOf(value: Long): bigint {
  return (BigInt(value.high) << 32n) | BigInt(value.getLowBitsUnsigned());
}

function fromLong(type: FieldType, value: Long): string {
  if (!isStamp(type) || !isExtended(type)) return longText(value);
  const text = stampFromMicros(bigintOf(value), type.precision) ?? longText(value);
  return type.kind === 'timestamptz' && text.includes('T') ? `${text}Z` : text;
}

function isStamp(type: FieldType): type is Extract<FieldType, { kind: 'timestamp' | 'timestamptz' }> {
  return type.kind === 'timestamp' || type.kind === 'timestamptz';
}

function isExtended(type: FieldType): boolean {
  return (type.kind === 'date' || isStamp(type)) && type.extended === true;
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

/** The member of a composite `_id` that holds the field of this path. */
export function idMember(path: string): string {
  return path.replaceAll('.', '_');
}
