import {
  type CanonicalScalar,
  type CanonicalValue,
  type ElementType,
  type FieldType,
  isList,
} from './field-type.ts';

/** A JSON Schema (2020-12), or a part of an OpenAPI document that holds one. */
export type Schema = { readonly [name: string]: unknown };

const EXTENDED_DATE = '([+-]\\d{6}|\\d{4})-\\d{2}-\\d{2}';
const CLOCK = '([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d';

/** The schema of a field's wire form, see field-type.ts. */
export function schemaOf(type: FieldType, nullable: boolean): Schema {
  const { type: name, ...rest } = plainSchema(type);
  const example = { examples: [exampleOf(type)] };
  if (name === undefined)
    return nullable ? { anyOf: [rest, { type: 'null' }], ...example } : { ...rest, ...example };
  return { type: nullable ? [name, 'null'] : name, ...rest, ...example };
}

/** A legal value in canonical form. */
export function exampleOf(type: FieldType): NonNullable<CanonicalValue> {
  switch (type.kind) {
    case 'array':
      return [elementExample(type.of)];
    case 'bits':
      return '10'.repeat(type.length).slice(0, type.length);
    case 'hstore':
      return '{"a":"1"}';
    case 'interval':
      return 'P1Y2M3DT4H5M6S';
    case 'timetz':
      return `13:45:30${fractionExample(type.precision)}Z`;
    case 'boolean':
      return true;
    case 'bytes':
      return 'RmljdXM=';
    case 'date':
      return '2026-03-31';
    case 'decimal':
      return decimalExample(type.precision, type.scale ?? (type.precision === null ? 2 : 0));
    case 'double':
    case 'float':
      return 1.5;
    case 'int':
      return 42;
    case 'json':
      return '{"a":1}';
    case 'long':
      return '9007199254740993';
    case 'string':
      return 'ABC'.slice(0, type.length ?? 3);
    case 'time':
      return `13:45:30${fractionExample(type.precision)}`;
    case 'timestamp':
      return `2026-03-31T13:45:30${fractionExample(type.precision)}`;
    case 'timestamptz':
      return `2026-03-31T13:45:30${fractionExample(type.precision)}Z`;
    case 'uuid':
      return '0f8fad5b-d9cb-469f-a165-70867728950e';
  }
}

function elementExample(type: ElementType): CanonicalScalar {
  const example = exampleOf(type);
  return isList(example) ? null : example;
}

function plainSchema(type: FieldType): Schema {
  switch (type.kind) {
    case 'array':
      return { type: 'array', items: schemaOf(type.of, true) };
    case 'bits':
      return { type: 'string', pattern: `^[01]{${type.length}}$` };
    case 'hstore':
      return { type: 'string', contentMediaType: 'application/json' };
    case 'interval':
      return { type: 'string', format: 'duration' };
    case 'timetz':
      return { type: 'string', pattern: `^(${CLOCK}|24:00:00)${fraction(type.precision)}(Z|[+-].+)$` };
    case 'boolean':
      return { type: 'boolean' };
    case 'bytes':
      return { type: 'string', contentEncoding: 'base64' };
    case 'date':
      if (type.extended === true) return { type: 'string', pattern: `^(-?infinity|${EXTENDED_DATE})$` };
      return { type: 'string', format: 'date' };
    case 'decimal': {
      const pattern = decimalPattern(type.precision, type.scale);
      return {
        type: 'string',
        format: 'decimal',
        pattern: type.extended === true ? `^(${pattern.slice(1, -1)}|NaN|-?Infinity)$` : pattern,
      };
    }
    case 'double':
    case 'float':
      return {
        anyOf: [
          { type: 'number', format: type.kind },
          { type: 'string', enum: ['NaN', 'Infinity', '-Infinity'] },
        ],
      };
    case 'int':
      return { type: 'integer', format: 'int32', minimum: -2_147_483_648, maximum: 2_147_483_647 };
    case 'json':
      return { type: 'string', contentMediaType: 'application/json' };
    case 'long':
      return { type: 'string', format: 'int64', pattern: '^-?\\d{1,19}$' };
    case 'string':
      return type.length === null ? { type: 'string' } : { type: 'string', maxLength: type.length };
    case 'time':
      return { type: 'string', pattern: `^(${CLOCK}|24:00:00)${fraction(type.precision)}$` };
    case 'timestamp': {
      const stamp = `T${CLOCK}${fraction(type.precision)}`;
      const pattern =
        type.extended === true ? `^(-?infinity|${EXTENDED_DATE}${stamp})$` : `^\\d{4}-\\d{2}-\\d{2}${stamp}$`;
      return { type: 'string', pattern };
    }
    case 'timestamptz':
      if (type.extended === true)
        return { type: 'string', pattern: `^(-?infinity|${EXTENDED_DATE}T.+(Z|[+-].+))$` };
      return { type: 'string', format: 'date-time' };
    case 'uuid':
      return { type: 'string', format: 'uuid' };
  }
}

function fraction(precision: number): string {
  return precision === 0 ? '' : `(\\.\\d{1,${precision}})?`;
}

function fractionExample(precision: number): string {
  return precision === 0 ? '' : `.${'123456'.slice(0, precision)}`;
}

/** NUMERIC(p, s): at most p − s digits before the point and s after it. Leading zeros are legal and fall away. */
function decimalPattern(precision: number | null, scale: number | null): string {
  if (precision === null) return '^-?\\d+(\\.\\d+)?$';
  const after = Math.max(scale ?? 0, 0);
  const before = Math.max(precision - after, 0);
  const whole = before === 0 ? '0+' : `0*\\d{1,${before}}`;
  return after === 0 ? `^-?${whole}$` : `^-?${whole}(\\.\\d{1,${after}})?$`;
}

function decimalExample(precision: number | null, scale: number): string {
  const after = Math.max(scale, 0);
  const before = precision === null ? 4 : Math.max(precision - after, 0);
  const whole = before === 0 ? '0' : '1234'.slice(0, before);
  return after === 0 ? whole : `${whole}.${'50'.padEnd(after, '0').slice(0, after)}`;
}
