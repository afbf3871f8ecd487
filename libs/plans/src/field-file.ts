import { z } from 'zod';
import {
  ELEMENT_KINDS,
  type ElementType,
  FIELD_KINDS,
  type FieldKind,
  type FieldType,
  MAX_BITS,
} from '#core/field-type';
import { type Field, isReserved } from '#core/plan';
import { DECIMAL_DIGITS } from '#core/value';
import type { Path, Section } from './section.ts';

const PATH = /^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*$/;

/** Members of a field beside `column` and `type`, and the kinds that each goes with. */
const OPTIONS: Readonly<Record<string, readonly FieldKind[]>> = {
  extended: ['date', 'decimal', 'timestamp', 'timestamptz'],
  of: ['array'],
  trim: ['string'],
  length: ['bits', 'string'],
  precision: ['decimal', 'time', 'timestamp', 'timestamptz', 'timetz'],
  scale: ['decimal'],
};
const ALWAYS = ['column', 'type', 'required', 'readOnly', 'class', 'protect'];

const RESERVED = 'a name that every object has by itself (such as constructor) is reserved';

const name = z.string().min(1, 'a column name');
const flag = z.boolean().default(false);

/** Reads the `fields` mapping at a path; faults are noted in the section. */
export function readFields(section: Section, path: Path): readonly Field[] {
  if (section.names(path).length === 0) {
    section.fault(
      path,
      'must be a mapping of at least one field, such as `amount: { column: amount, type: decimal }`',
    );
    return [];
  }
  checkPaths(section, path);
  checkColumns(section, path);
  return section.names(path).flatMap((fieldPath) => readField(section, path, fieldPath) ?? []);
}

function readField(section: Section, base: Path, path: string): Field | null {
  const at = [...base, path];
  if (!PATH.test(path)) {
    section.fault(
      at,
      'a field path is made of letters, digits and underscores, parts joined by dots, each beginning with a letter',
    );
  }
  if (path.split('.').some(isReserved)) section.fault(at, RESERVED);
  section.only(at, [...ALWAYS, ...Object.keys(OPTIONS)]);
  const column = section.read([...at, 'column'], name);
  const kind = section.read([...at, 'type'], z.enum(FIELD_KINDS));
  const required = section.read([...at, 'required'], flag) ?? false;
  const readOnly = section.read([...at, 'readOnly'], flag) ?? false;
  if (required && readOnly) {
    section.fault(
      [...at, 'required'],
      'a member that only the legacy database sets (readOnly) cannot be demanded of a client',
    );
  }
  if (section.raw([...at, 'protect']) !== undefined) {
    section.fault(
      [...at, 'protect'],
      'field protection is not built yet; leave it out, or leave the field out',
    );
  }
  if (kind === undefined) return null;
  const type = readType(section, at, kind);
  return column === undefined || type === null
    ? null
    : { path, segments: path.split('.'), column, type, required, readOnly };
}

/** PostgreSQL's numeric(1000) is the longest that can be declared. */
const MAX_DIGITS = 1_000;

/** Null: a fault was noted without which nobody can tell the type. */
function readType(section: Section, at: Path, kind: FieldKind): FieldType | null {
  for (const [option, kinds] of Object.entries(OPTIONS)) {
    if (section.raw([...at, option]) !== undefined && !kinds.includes(kind)) {
      section.fault([...at, option], `does not go with type ${kind}; it goes with ${kinds.join(', ')}`);
    }
  }
  const whole = (option: string, low: number, high: number): number | null =>
    section.read(
      [...at, option],
      z
        .int(`a whole number`)
        .min(low, `at least ${low}`)
        .max(high, `at most ${high}`)
        .nullable()
        .default(null),
    ) ?? null;
  const extended = section.read([...at, 'extended'], flag) === true ? ({ extended: true } as const) : {};
  switch (kind) {
    case 'array': {
      const of = readElement(section, [...at, 'of']);
      return of === null ? null : { kind, of };
    }
    case 'bits': {
      const length = section.read(
        [...at, 'length'],
        z.int('a whole number').min(1, 'at least 1').max(MAX_BITS, `at most ${MAX_BITS}`),
      );
      return length === undefined ? null : { kind, length };
    }
    case 'string':
      return {
        kind,
        trim: section.read([...at, 'trim'], flag) ?? false,
        length: whole('length', 1, 16_000_000),
      };
    case 'decimal': {
      const most = extended.extended === true ? MAX_DIGITS : DECIMAL_DIGITS;
      const precision = whole('precision', 1, most);
      const scale = whole('scale', 0, most);
      if (section.raw([...at, 'precision']) === undefined && scale !== null)
        section.fault([...at, 'scale'], 'a scale needs a precision beside it');
      if (precision !== null && scale !== null && scale > precision) {
        section.fault([...at, 'scale'], `must not be greater than the precision, ${precision}`);
      }
      return { kind, precision, scale: precision === null ? null : (scale ?? 0), ...extended };
    }
    case 'timestamp':
    case 'timestamptz':
      return { kind, precision: whole('precision', 0, 6) ?? 6, ...extended };
    case 'time':
    case 'timetz':
      return { kind, precision: whole('precision', 0, 6) ?? 6 };
    case 'date':
      return { kind, ...extended };
    case 'boolean':
    case 'bytes':
    case 'double':
    case 'float':
    case 'hstore':
    case 'int':
    case 'interval':
    case 'json':
    case 'long':
    case 'uuid':
      return { kind };
  }
}

/** `of: int`, or `of: { type: string, trim: true }`. */
function readElement(section: Section, at: Path): ElementType | null {
  const isPlain = section.names(at).length === 0;
  const kind = section.read(isPlain ? at : [...at, 'type'], z.enum(ELEMENT_KINDS));
  if (isPlain || kind === undefined)
    return kind === 'string' ? { kind, trim: false, length: null } : kind === undefined ? null : { kind };
  section.only(at, ['type', ...Object.keys(OPTIONS)]);
  const type = readType(section, at, kind);
  return type !== null && isElement(type) ? type : null;
}

function isElement(type: FieldType): type is ElementType {
  return ELEMENT_KINDS.some((kind) => kind === type.kind);
}

/** Works on the raw names, so that a fault in a field's type does not hide one in its place. */
function checkPaths(section: Section, base: Path): void {
  const paths = new Set(section.names(base));
  for (const path of paths) {
    const segments = path.split('.');
    const parents = segments.slice(1).map((_, at) => segments.slice(0, at + 1).join('.'));
    const clash = parents.find((parent) => paths.has(parent));
    if (clash !== undefined) {
      section.fault([...base, path], `field ${clash} cannot hold both a value and the member ${path}`);
    }
  }
}

function checkColumns(section: Section, base: Path): void {
  const first = new Map<unknown, string>();
  for (const path of section.names(base)) {
    const column = section.raw([...base, path, 'column']);
    if (typeof column !== 'string') continue;
    const known = first.get(column);
    if (known === undefined) first.set(column, path);
    else section.fault([...base, path, 'column'], `column ${column} is mapped by ${known} already`);
  }
}
