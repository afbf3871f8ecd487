import { type ElementType, type FieldType, MAX_BITS } from './field-type.ts';
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
 * whose value Debezium delivers as a query reads it, and of which it can say that an update left them unchanged.
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
  xml: text,
  ltree: text,
  tsvector: text,
  int4range: text,
  int8range: text,
  numrange: text,
  daterange: text,
  tsrange: text,
  json: () => ({ kind: 'json' }),
  jsonb: () => ({ kind: 'json' }),
  bytea: () => ({ kind: 'bytes' }),
  binary: () => ({ kind: 'bytes' }),
  varbinary: () => ({ kind: 'bytes' }),
  hstore: () => ({ kind: 'hstore' }),
  'integer[]': arrayOf(() => ({ kind: 'int' })),
  'bigint[]': arrayOf(() => ({ kind: 'long' })),
  'text[]': arrayOf(text),
  'character varying[]': arrayOf(text),
  'character[]': arrayOf(padded),
  'uuid[]': arrayOf(() => ({ kind: 'uuid' })),
  'date[]': arrayOf(() => ({ kind: 'date' })),
  'json[]': arrayOf(() => ({ kind: 'json' })),
  'jsonb[]': arrayOf(() => ({ kind: 'json' })),
  interval: () => ({ kind: 'interval' }),
  'time with time zone': (column) => ({ kind: 'timetz', precision: fraction(column, MAX_FRACTION) }),
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
const NO_KEY: readonly FieldType['kind'][] = [
  'array',
  'bits',
  'boolean',
  'bytes',
  'double',
  'float',
  'hstore',
  'interval',
  'json',
  'time',
  'timetz',
];

/** Why a type is none that a plan can have, where there is more to say than that. */
const UNFIT: Readonly<Record<string, string>> = {
  bit: `Debezium sends a bit string of more than ${MAX_BITS} bits as null when an update left it unchanged`,
  'bit varying': 'Debezium does not send the zeros that a bit string begins with',
  money: 'snapshot and log do not agree on large amounts, and its text depends on a locale',
  tstzrange: 'its text depends on the time zone of whoever reads it',
};

export function draftType(column: CatalogueColumn): DraftedType {
  const name = column.type.toLowerCase();
  const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : (bits(name, column) ?? bitData(name));
  // Db2's XML is not PostgreSQL's: what its connector sends of it nobody has seen.
  if (field === undefined || column.type === 'XML')
    return { kind: 'ignored', remark: unfit(column.type, name) };
  return { kind: 'field', type: field(column), remark: remarkOn(name, column) };
}

export function canBeKey(column: CatalogueColumn): boolean {
  const drafted = draftType(column);
  if (drafted.kind === 'ignored' || NO_KEY.includes(drafted.type.kind)) return false;
  return !('extended' in drafted.type && drafted.type.extended === true);
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
    case 'array':
      members.push(['of', elementMembers(type.of)]);
      break;
    case 'bits':
      add('length', type.length);
      break;
    case 'decimal':
      add('precision', type.precision);
      add('scale', type.scale);
      add('extended', type.extended ?? false);
      break;
    case 'date':
      add('extended', type.extended ?? false);
      break;
    case 'timestamp':
    case 'timestamptz':
      add('precision', type.precision);
      add('extended', type.extended ?? false);
      break;
    case 'time':
    case 'timetz':
      add('precision', type.precision);
      break;
    default:
      break;
  }
  return members;
}

function elementMembers(type: ElementType): string {
  const members = typeMembers(type);
  if (members.length === 1) return type.kind;
  return `{ ${members.map(([name, value]) => `${name}: ${value}`).join(', ')} }`;
}

function unfit(shown: string, name: string): string {
  if (Object.hasOwn(UNFIT, name)) return UNFIT[name] ?? '';
  if (name.endsWith('[]') && !NEVER_SENT.test(name))
    return `Debezium sends an array of ${shown.slice(0, -2)} as null when an update left it unchanged`;
  return `${shown} has no field type yet`;
}

/** Arrays of these are in no event at all. */
const NEVER_SENT = /^(point|line|lseg|box|path|polygon|circle|interval)\[\]$/;

function arrayOf(element: (column: CatalogueColumn) => ElementType): (column: CatalogueColumn) => FieldType {
  return (column) => ({ kind: 'array', of: element(column) });
}

function bits(name: string, { length }: CatalogueColumn): (() => FieldType) | undefined {
  return name === 'bit' && length !== null && length <= MAX_BITS
    ? () => ({ kind: 'bits', length })
    : undefined;
}

function text(column: CatalogueColumn): ElementType {
  return { kind: 'string', trim: false, length: column.length };
}

function padded(column: CatalogueColumn): ElementType {
  return { kind: 'string', trim: true, length: column.length };
}

/** A negative scale, as in PostgreSQL's numeric(3,-2), stands for zeros before the point. */
function decimal({ precision, scale }: CatalogueColumn): FieldType {
  if (precision === null || (scale ?? 0) > precision)
    return { kind: 'decimal', precision: null, scale: null };
  const after = Math.max(scale ?? 0, 0);
  const digits = precision - Math.min(scale ?? 0, 0);
  const wide = digits > DECIMAL_DIGITS ? ({ extended: true } as const) : {};
  return { kind: 'decimal', precision: digits, scale: after, ...wide };
}

function fraction({ precision, scale }: CatalogueColumn, otherwise: number): number {
  return Math.min(precision ?? scale ?? otherwise, MAX_FRACTION);
}

/** Db2's `CHARACTER FOR BIT DATA` and its kin are bytes. */
function bitData(name: string): ((column: CatalogueColumn) => FieldType) | undefined {
  return /^(var)?char(acter)?\b.*\bfor bit data$/.test(name) ? () => ({ kind: 'bytes' }) : undefined;
}

function remarkOn(name: string, { precision, scale }: CatalogueColumn): string | null {
  if (name === 'time with time zone')
    return 'the zone is lost, which no event has: it becomes the time in UTC';
  if (name.endsWith('[]')) return 'an array of more dimensions is refused';
  if (/^(numeric|decimal)$/.test(name) && (precision === null || precision > DECIMAL_DIGITS))
    return precision === null
      ? `a value of more than ${DECIMAL_DIGITS} digits is refused, unless the field is extended: true`
      : `of more than ${DECIMAL_DIGITS} digits, so MongoDB has the longer values as text, and it has no order`;
  if (name === 'decfloat') return 'NaN and infinity are refused, unless the field is extended: true';
  const digits = /^time/.test(name) ? (precision ?? scale ?? 0) : 0;
  return digits > MAX_FRACTION ? `a value with more than ${MAX_FRACTION} fractional digits is refused` : null;
}
