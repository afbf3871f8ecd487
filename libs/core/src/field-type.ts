/**
 * The types a field can have, and their canonical form. Canonical values are what the wire form of the API shows
 * (DESIGN.md section 7), so every store's codec meets in them and two documents are equal iff their JSON is.
 *
 * | type        | canonical value                                   | in MongoDB                       |
 * |-------------|---------------------------------------------------|----------------------------------|
 * | boolean     | true, false                                       | bool                             |
 * | int         | number, 32 bit                                    | int                              |
 * | long        | string of digits, 64 bit                          | long                             |
 * | decimal     | string, plain notation, the source's scale        | Decimal128                       |
 * | double      | number, or "NaN", "Infinity", "-Infinity"         | double                           |
 * | float       | as double: the shortest number that 32 bits tell  | double                           |
 * | string      | string (without trailing blanks when trimmed)     | string                           |
 * | uuid        | lower-case string                                 | string                           |
 * | json        | string, the JSON text as the source prints it     | string                           |
 * | bytes       | base64                                            | binData                          |
 * | date        | YYYY-MM-DD                                        | date at 00:00 UTC                |
 * | time        | HH:MM:SS and `precision` fractional digits        | string                           |
 * | timestamp   | ISO 8601 without zone, `precision` digits         | date up to 3 digits, else string |
 * | timestamptz | ISO 8601 in UTC with Z, `precision` digits        | date up to 3 digits, else string |
 * | timetz      | HH:MM:SS in UTC with `precision` digits and Z     | string                           |
 * | interval    | ISO 8601 duration, see interval.ts                | string                           |
 * | bits        | string of `length` digits 0 and 1                 | string                           |
 * | hstore      | string, a JSON object, see hstore.ts              | string                           |
 * | array       | array of canonical values of one type, and null   | array of what that type is       |
 *
 * BSON dates hold milliseconds, so finer timestamps are kept as the canonical string, which sorts in time order.
 *
 * An `extended` field holds more, exactly, and pays for it:
 *
 * | type        | more canonical values                                    | in MongoDB                                |
 * |-------------|----------------------------------------------------------|-------------------------------------------|
 * | decimal     | any number of digits, "NaN", "Infinity", "-Infinity"     | Decimal128 up to 34 digits, else string;  |
 * |             |                                                          | so it has no order                        |
 * | date        | "infinity", "-infinity", years -271821 to 275760:        | date; the infinities are the first and    |
 * |             | "-000043-03-15", "+010000-01-01"                         | the last millisecond of JavaScript's      |
 * | timestamp   | as date                                                  | as date up to 3 digits, else long of      |
 * | timestamptz |                                                          | microseconds, the infinities its ends     |
 */
export type FieldType =
  | ElementType
  | { readonly kind: 'array'; readonly of: ElementType }
  | { readonly kind: 'bits'; readonly length: number }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'bytes' }
  | { readonly kind: 'date'; readonly extended?: true }
  | {
      readonly kind: 'decimal';
      readonly precision: number | null;
      readonly scale: number | null;
      readonly extended?: true;
    }
  | { readonly kind: 'double' }
  | { readonly kind: 'float' }
  | { readonly kind: 'hstore' }
  | { readonly kind: 'interval' }
  | { readonly kind: 'time'; readonly precision: number }
  | { readonly kind: 'timestamp'; readonly precision: number; readonly extended?: true }
  | { readonly kind: 'timestamptz'; readonly precision: number; readonly extended?: true }
  | { readonly kind: 'timetz'; readonly precision: number };

/** Types that an array can have. Of any other one Debezium sends null for an array that an update left as it was. */
export type ElementType =
  | { readonly kind: 'date'; readonly extended?: never }
  | { readonly kind: 'int' }
  | { readonly kind: 'json' }
  | { readonly kind: 'long' }
  | { readonly kind: 'string'; readonly trim: boolean; readonly length: number | null }
  | { readonly kind: 'uuid' };

/** A longer bit string may be stored apart (TOAST), and then Debezium sends null for one that an update left as it was. */
export const MAX_BITS = 128;

export const ELEMENT_KINDS = [
  'date',
  'int',
  'json',
  'long',
  'string',
  'uuid',
] as const satisfies readonly ElementType['kind'][];

export type FieldKind = FieldType['kind'];

export const FIELD_KINDS = [
  'array',
  'bits',
  'boolean',
  'bytes',
  'date',
  'decimal',
  'double',
  'float',
  'hstore',
  'int',
  'interval',
  'json',
  'long',
  'string',
  'time',
  'timestamp',
  'timestamptz',
  'timetz',
  'uuid',
] as const satisfies readonly FieldKind[];

/** Kinds whose values are floating-point numbers: NaN and the infinities among them. */
export function isFloating({ kind }: FieldType): boolean {
  return kind === 'double' || kind === 'float';
}

export type CanonicalScalar = null | boolean | number | string;

/** A value in its canonical form, see the table above. */
export type CanonicalValue = CanonicalScalar | readonly CanonicalScalar[];

export function isList(value: CanonicalValue): value is readonly CanonicalScalar[] {
  return Array.isArray(value);
}

/** Are two canonical values of one type one value? */
export function sameValue(a: CanonicalValue | undefined, b: CanonicalValue | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/** Canonical values of one row by field path (not by column). A missing path means: not known. */
export type Content = Readonly<Record<string, CanonicalValue>>;
