import { isUtf8 } from 'node:buffer';
import type { WireRow, WireSchema } from '#core/change-event';
import { FicusError } from '#core/errors';
import { parseLossless } from './json.ts';

/** A record's key or value, read but not yet understood. */
export interface Side {
  readonly payload: unknown;
  /**
   * The columns' schemas, by the member of the payload that holds the columns (`before`, `after`), or by '' for the
   * payload itself; null without schemas.
   */
  readonly schemas: ReadonlyMap<string, ReadonlyMap<string, WireSchema>> | null;
  /** By member and column: values (as `plain` gives them) that may stand for NULL too, where the converter does so. */
  readonly defaults?: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
  /** Turns a column's value into what JSON would carry, with integers beyond 2^53 as BigInt. */
  readonly plain: (value: unknown) => unknown;
}

/** Reads JSON with or without its schema. @throws FicusError `event_unparsable`. */
export function jsonSide(bytes: Buffer): Side {
  if (!isUtf8(bytes)) throw new FicusError('event_unparsable', 'not UTF-8');
  const parsed = parseLossless(bytes.toString('utf8'));
  if (
    !isRecord(parsed) ||
    !('schema' in parsed) ||
    !('payload' in parsed) ||
    Object.keys(parsed).length !== 2
  ) {
    return { payload: parsed, schemas: null, plain: (value) => value };
  }
  return { payload: parsed['payload'], schemas: connectSchemas(parsed['schema']), plain: (value) => value };
}

/**
 * The columns of one member as a row. Not by assignment: a column may be called __proto__.
 * @param nameOf the database's name of a column by the name on the wire.
 */
export function rowOf(
  side: Side,
  member: string,
  columns: Readonly<Record<string, unknown>>,
  nameOf: (wire: string) => string,
): WireRow {
  const schemas = side.schemas?.get(member);
  const defaults = side.defaults?.get(member);
  return Object.fromEntries(
    Object.entries(columns).map(([column, value]) => {
      const wire = { value: side.plain(value), schema: schemas?.get(column) ?? null };
      const isDoubtful = defaults?.has(column) === true && defaults.get(column) === wire.value;
      return [nameOf(column), isDoubtful ? { ...wire, doubt: NULL_OR_DEFAULT } : wire];
    }),
  );
}

const NULL_OR_DEFAULT =
  "the value is the column's default, which this converter sends for NULL too; " +
  'use another format or converter, or take the default from the column';

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Connect's JSON schema: a struct whose fields are columns, or structs of columns. */
function connectSchemas(schema: unknown): Side['schemas'] {
  if (!isRecord(schema)) return null;
  const found = new Map([['', columnSchemas(schema)]]);
  for (const field of listOf(schema['fields'])) {
    if (isRecord(field) && typeof field['field'] === 'string')
      found.set(field['field'], columnSchemas(field));
  }
  return found;
}

function columnSchemas(struct: Readonly<Record<string, unknown>>): ReadonlyMap<string, WireSchema> {
  const columns = new Map<string, WireSchema>();
  for (const field of listOf(struct['fields'])) {
    if (!isRecord(field) || typeof field['field'] !== 'string') continue;
    const { name, type, parameters } = field;
    columns.set(field['field'], {
      name: typeof name === 'string' ? name : null,
      type: typeof type === 'string' ? type : '',
      parameters: parametersOf(parameters),
    });
  }
  return columns;
}

/** A schema's parameters, all of them as text. */
export function parametersOf(parameters: unknown): Readonly<Record<string, string>> {
  if (!isRecord(parameters)) return {};
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, value]) =>
      ['string', 'number', 'bigint'].includes(typeof value) ? [[name, String(value)]] : [],
    ),
  );
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
