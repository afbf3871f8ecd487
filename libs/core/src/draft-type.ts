import type { FieldType } from './field-type.ts';
import type { CatalogueColumn } from './ports/catalogue.ts';
import { DECIMAL_DIGITS } from './value.ts';

/** What a drafted plan does with a column: a field of this type, or nothing and why. */
export type DraftedType =
  | { readonly kind: 'field'; readonly type: FieldType; readonly remark: string | null }
  | { readonly kind: 'ignored'; readonly remark: string };

/** BSON and the canonical forms hold microseconds. */
const MAX_FRACTION = 6;

/**
 * Types of PostgreSQL (as its documentation names them) and of Db2 (SYSCAT's TYPENAME), in lower case. Only those
 * whose value Debezium delivers as the same text that a query reads: an interval, a bit string, money or an array do
 * not come back as they are printed.
 */
const FIELDS: Readonly<Record<string, (column: CatalogueColumn) => FieldType>> = {
  boolean: () => ({ kind: 'boolean' }),
  smallint: () => ({ kind: 'int' }),
  integer: () => ({ kind: 'int' }),
  bigint: () => ({ kind: 'long' }),
  oid: () => ({ kind: 'long' }),
  numeric: decimal,
  decimal,
  decfloat: () => ({ kind: 'decimal', precision: null, scale: null }),
  real: () => ({ kind: 'float' }),
  'double precision': () => ({ kind: 'double' }),
  double: () => ({ kind: 'double' }),
  float: () => ({ kind: 'double' }),
  character: padded,
  char: padded,
  bpchar: padded,
  'character varying': text,
  varchar: text,
  vargraphic: text,
  text,
  citext: text,
  enum: text,
  inet: text,
  cidr: text,
  macaddr: text,
  macaddr8: text,
  uuid: () => ({ kind: 'uuid' }),
  json: () => ({ kind: 'json' }),
  jsonb: () => ({ kind: 'json' }),
  bytea: () => ({ kind: 'bytes' }),
  binary: () => ({ kind: 'bytes' }),
  varbinary: () => ({ kind: 'bytes' }),
  date: () => ({ kind: 'date' }),
  time: (column) => ({ kind: 'time', precision: fraction(column, 0) }),
  'time without time zone': (column) => ({ kind: 'time', precision: fraction(column, MAX_FRACTION) }),
  timestamp: (column) => ({ kind: 'timestamp', precision: fraction(column, MAX_FRACTION) }),
  'timestamp without time zone': (column) => ({
    kind: 'timestamp',
    precision: fraction(column, MAX_FRACTION),
  }),
  'timestamp with time zone': (column) => ({
    kind: 'timestamptz',
    precision: fraction(column, MAX_FRACTION),
  }),
};

/** Types that a key cannot have: not exact, not ordered alike everywhere, or too large. */
const NO_KEY: readonly FieldType['kind'][] = ['boolean', 'bytes', 'double', 'float', 'json', 'time'];

export function draftType(column: CatalogueColumn): DraftedType {
  const name = column.type.toLowerCase();
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : bitData(name);
  if (field === undefined) return { kind: 'ignored', remark: `${column.type} has no field type yet` };
  return { kind: 'field', type: field(column), remark: remarkOn(name, column) };
}

export function canBeKey(column: CatalogueColumn): boolean {
  const drafted = draftType(column);
  return drafted.kind === 'field' && !NO_KEY.includes(drafted.type.kind);
}

/** The members of a plan's field after `column`, as YAML's scalars. */
export function typeMembers(type: FieldType): readonly (readonly [name: string, value: string])[] {
  const members: [string, string][] = [['type', type.kind]];
  const add = (name: string, value: number | boolean | null): void => {
    if (value !== null && value !== false) members.push([name, String(value)]);
  };
  switch (type.kind) {
    case 'string':
      add('trim', type.trim);
      add('length', type.length);
      break;
    case 'decimal':
      add('precision', type.precision);
      add('scale', type.scale);
      break;
    case 'time':
    case 'timestamp':
    case 'timestamptz':
      add('precision', type.precision);
      break;
    default:
      break;
  }
  return members;
}

function text(column: CatalogueColumn): FieldType {
  return { kind: 'string', trim: false, length: column.length };
}

function padded(column: CatalogueColumn): FieldType {
  return { kind: 'string', trim: true, length: column.length };
}

/** Digits are only promised when MongoDB can hold that many; a scale below 0 or above the digits cannot be said. */
function decimal({ precision, scale }: CatalogueColumn): FieldType {
  const said =
    precision !== null && precision <= DECIMAL_DIGITS && (scale ?? 0) >= 0 && (scale ?? 0) <= precision;
  return said
    ? { kind: 'decimal', precision, scale: scale ?? 0 }
    : { kind: 'decimal', precision: null, scale: null };
}

function fraction({ precision, scale }: CatalogueColumn, otherwise: number): number {
  return Math.min(precision ?? scale ?? otherwise, MAX_FRACTION);
}

/** Db2's `CHARACTER FOR BIT DATA` and its kin are bytes. */
function bitData(name: string): ((column: CatalogueColumn) => FieldType) | undefined {
  return /^(var)?char(acter)?\b.*\bfor bit data$/.test(name) ? () => ({ kind: 'bytes' }) : undefined;
}

function remarkOn(name: string, { precision, scale }: CatalogueColumn): string | null {
  if (/^(numeric|decimal)$/.test(name) && (precision === null || precision > DECIMAL_DIGITS))
    return `a value of more than ${DECIMAL_DIGITS} digits is refused`;
  if (name === 'decfloat') return 'NaN and infinity are refused';
  const digits = /^time/.test(name) ? (precision ?? scale ?? 0) : 0;
  return digits > MAX_FRACTION ? `a value with more than ${MAX_FRACTION} fractional digits is refused` : null;
}
