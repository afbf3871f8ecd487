import { arrayText } from '#core/array-text';
import { eraFromIso } from '#core/era';
import { type CanonicalValue, type FieldType, isList } from '#core/field-type';
import { hstoreText } from '#core/hstore';
import type { Column } from './columns.ts';
import { identifier } from './statement.ts';

/**
 * How PostgreSQL's values meet canonical ones. A comparison in SQL must agree with `compareValues` of the canonical
 * values, whatever type the column has; where the column's own operators already do so they are used, since only
 * then an index serves.
 */

/** One side of a comparison: an expression over the column, and what a bound parameter becomes to stand against it. */
export interface Side {
  readonly expression: string;
  readonly operand: (placeholder: string) => string;
}

export interface Comparable {
  readonly equality: Side;
  /** For `<`, `>` and ORDER BY. */
  readonly order: Side;
}

const TEXTS = ['text', 'varchar', 'name'];
const INTEGERS = ['int2', 'int4', 'int8', 'numeric'];

/**
 * The column as text that `parseText` reads. A cast to text would strip the padding of CHAR, add a mask to an
 * inet address and keep the declaration of an XML document; the types' own output functions print what Debezium delivers.
 */
export function textOf(alias: string, column: Column, type: FieldType): string {
  const name = `${alias}.${identifier(column.name)}`;
  if (column.type === 'bpchar' && !(type.kind === 'string' && type.trim)) return `textin(bpcharout(${name}))`;
  if (column.type === 'inet') return `textin(inet_out(${name}))`;
  if (column.type === 'xml') return `textin(xml_out(${name}))`;
  return `${name}::text`;
}

export function comparable(alias: string, column: Column, type: FieldType): Comparable {
  const name = `${alias}.${identifier(column.name)}`;
  switch (type.kind) {
    case 'boolean':
      return both(natural(alias, column, type, ['bool'], 'boolean'));
    case 'date':
      return both(natural(alias, column, type, ['date'], 'date'));
    case 'time':
      return both(natural(alias, column, type, ['time'], 'time'));
    case 'timestamp':
      return both(natural(alias, column, type, ['timestamp'], 'timestamp'));
    case 'timestamptz':
      return both(natural(alias, column, type, ['timestamptz'], 'timestamptz'));
    case 'timetz': {
      const side = natural(alias, column, type, ['timetz'], 'timetz');
      return both({ expression: utcTime(side.expression), operand: (one) => utcTime(side.operand(one)) });
    }
    case 'bits':
      return both(natural(alias, column, type, ['bit'], '"bit"'));
    case 'uuid':
      return both(natural(alias, column, type, ['uuid'], 'uuid'));
    case 'decimal':
      return both(natural(alias, column, type, INTEGERS, 'numeric'));
    case 'int':
      return both(natural(alias, column, type, INTEGERS, 'integer'));
    case 'long':
      return both(natural(alias, column, type, INTEGERS, 'bigint'));
    case 'double':
      return floating(natural(alias, column, type, ['float8'], 'float8'), 'float8');
    case 'float':
      return floating(natural(alias, column, type, ['float4'], 'float4'), 'float4');
    case 'bytes': {
      const bytes = column.type === 'bytea' ? name : `${name}::text::bytea`;
      const base64 = `translate(encode(${bytes}, 'base64'), E'\\n', '') COLLATE "C"`;
      return {
        equality: { expression: bytes, operand: (placeholder) => `decode(${placeholder}, 'base64')` },
        order: { expression: base64, operand: (placeholder) => `${placeholder}::text` },
      };
    }
    case 'array':
    case 'hstore':
    case 'interval':
    case 'json':
      return textual(`${name}::text`, { ...column, byCodePoint: false, loose: false }, 'text');
    case 'string':
      if (column.type === 'bpchar' && type.trim) return textual(name, column, 'bpchar');
      if (TEXTS.includes(column.type)) {
        return textual(type.trim ? `rtrim(${name}::text, ' ')` : name, column, 'text');
      }
      return textual(textOf(alias, column, type), { ...column, byCodePoint: false, loose: true }, 'text');
  }
}

/** The parameter as the column takes it in an INSERT or UPDATE; the assignment then applies length and scale. */
export function assigned(column: Column, type: FieldType, placeholder: string): string {
  if (type.kind === 'bytes') return `decode(${placeholder}, 'base64')`;
  return `${placeholder}::${column.cast}`;
}

/** A canonical value as a parameter's text. */
export function parameterText(type: FieldType, value: CanonicalValue): string | null {
  if (value === null) return null;
  if (isList(value)) return arrayText(value.map((element) => (element === null ? null : String(element))));
  switch (type.kind) {
    case 'hstore':
      return hstoreText(String(value));
    case 'date':
    case 'timestamp':
    case 'timestamptz':
      return type.extended === true ? eraFromIso(String(value)) : String(value);
    default:
      return String(value);
  }
}

/** Two times with a zone are one instant of the day, whatever their zones: so an event has them. */
function utcTime(expression: string): string {
  return `(${expression} AT TIME ZONE 'UTC')::time`;
}

function both(side: Side): Comparable {
  return { equality: side, order: side };
}

/** The column itself when its type compares with the cast's by operators of one family, else its text, cast. */
function natural(
  alias: string,
  column: Column,
  type: FieldType,
  types: readonly string[],
  cast: string,
): Side {
  const expression = types.includes(column.type)
    ? `${alias}.${identifier(column.name)}`
    : `${textOf(alias, column, type)}::${cast}`;
  return { expression, operand: (placeholder) => `${placeholder}::${cast}` };
}

function textual(expression: string, column: Column, cast: string): Comparable {
  const operand = (placeholder: string): string => `${placeholder}::${cast}`;
  const collated = { expression: `${expression} COLLATE "C"`, operand };
  const plain = { expression, operand };
  return { equality: column.loose ? collated : plain, order: column.byCodePoint ? plain : collated };
}

function floating(equality: Side, cast: string): Comparable {
  const operand = (placeholder: string): string => nanFirst(equality.operand(placeholder), cast);
  return { equality, order: { expression: nanFirst(equality.expression, cast), operand } };
}

/** PostgreSQL sorts NaN above all; as an empty array it stands below every number. */
function nanFirst(expression: string, cast: string): string {
  return `CASE WHEN ${expression} = 'NaN' THEN '{}'::${cast}[] WHEN ${expression} IS NOT NULL THEN ARRAY[${expression}] END`;
}
