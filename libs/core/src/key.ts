import { microsOf } from './calendar.ts';
import { compareCodePoints } from './code-points.ts';
import type { DocumentKey } from './document.ts';
import { FicusError } from './errors.ts';
import { type CanonicalValue, type FieldType, isFloating } from './field-type.ts';
import type { Field } from './plan.ts';
import { parseCanonical } from './value.ts';

/** A key as text: its components in the plan's order, percent-encoded, joined by `,` (DESIGN.md section 7). */
export function keyText(key: DocumentKey): string {
  const [only = null] = key;
  return key.length === 1 ? encode(only) : key.map(encode).join(',');
}

function encode(component: CanonicalValue): string {
  const text = String(component);
  return NEEDS_NO_CODE.test(text) ? text : encodeURIComponent(text);
}

/** To look costs less than to encode, and most keys are numbers. */
const NEEDS_NO_CODE = /^[\w.-]*$/;

/** @throws FicusError `value_invalid` naming the text, the component and what is legal. */
export function parseKey(text: string, fields: readonly Field[]): DocumentKey {
  const parts = text.split(',');
  if (parts.length !== fields.length) {
    const names = fields.map((field) => field.path).join(',');
    throw new FicusError(
      'value_invalid',
      `key "${text}" has ${parts.length} components; it must have ${fields.length}: ${names}`,
    );
  }
  return fields.map((field, index) => {
    const raw = decode(parts[index] ?? '', text);
    const value = field.type.kind === 'int' || isFloating(field.type) ? numberOr(raw) : raw;
    try {
      return parseCanonical(field.type, field.type.kind === 'boolean' ? raw === 'true' : value);
    } catch (cause) {
      throw new FicusError('value_invalid', `key component ${field.path}: ${(cause as Error).message}`, {
        cause,
      });
    }
  });
}

/** Order of two keys: component by component, numbers as numbers, texts by code point. */
export function compareKeys(a: DocumentKey, b: DocumentKey, types: readonly FieldType[]): number {
  for (const [index, type] of types.entries()) {
    const order = compareValues(a[index] ?? null, b[index] ?? null, type);
    if (order !== 0) return order;
  }
  return 0;
}

/** Order of two canonical values of one type; null first. */
export function compareValues(a: CanonicalValue, b: CanonicalValue, type: FieldType): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  switch (type.kind) {
    case 'long':
      return sign(BigInt(String(a)), BigInt(String(b)));
    case 'decimal':
      return compareDecimals(String(a), String(b));
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return type.extended === true
        ? sign(microsOf(String(a)), microsOf(String(b)))
        : compareCodePoints(String(a), String(b));
    case 'double':
    case 'float':
      return compareDoubles(Number(a), Number(b));
    case 'int':
    case 'boolean':
      return sign(Number(a), Number(b));
    case 'array':
      return compareCodePoints(JSON.stringify(a), JSON.stringify(b));
    case 'bits':
    case 'bytes':
    case 'hstore':
    case 'interval':
    case 'json':
    case 'string':
    case 'time':
    case 'timetz':
    case 'uuid':
      return compareCodePoints(String(a), String(b));
  }
}

/** What is no number, in PostgreSQL's order: below all numbers, above them, above all. */
const NO_NUMBERS: Readonly<Record<string, number>> = { '-Infinity': -1, Infinity: 1, NaN: 2 };

function compareDecimals(a: string, b: string): number {
  const [left = 0, right = 0] = [NO_NUMBERS[a], NO_NUMBERS[b]];
  if (left !== 0 || right !== 0) return sign(left, right);
  const scale = Math.max(fraction(a).length, fraction(b).length);
  return sign(unscaled(a, scale), unscaled(b, scale));
}

/** NaN stands below every number, as MongoDB sorts it; JavaScript's `<` would make it equal to all of them. */
function compareDoubles(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return sign(Number(!Number.isNaN(a)), Number(!Number.isNaN(b)));
  return sign(a, b);
}

function fraction(text: string): string {
  return text.split('.')[1] ?? '';
}

function unscaled(text: string, scale: number): bigint {
  const [whole = '0'] = text.split('.');
  return BigInt(whole + fraction(text).padEnd(scale, '0'));
}

function sign<T extends number | bigint>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function numberOr(raw: string): CanonicalValue {
  return /^-?\d+(\.\d+)?([eE][-+]?\d+)?$/.test(raw) ? Number(raw) : raw;
}

function decode(part: string, text: string): string {
  try {
    return decodeURIComponent(part);
  } catch (cause) {
    throw new FicusError('value_invalid', `key "${text}" is not percent-encoded correctly`, { cause });
  }
}
