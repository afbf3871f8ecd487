import type { WireRow, WireSchema, WireValue } from '#core/change-event';

/** A record's key or value, read but not yet understood. */
export interface Side {
  readonly payload: unknown;
  readonly isAvro: boolean;
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

/**
 * The columns of one member as a row.
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
  const row: Record<string, WireValue> = {};
  for (const column in columns) {
    if (!Object.hasOwn(columns, column)) continue;
    const wire = { value: side.plain(columns[column]), schema: schemas?.get(column) ?? null };
    const isDoubtful = defaults?.has(column) === true && isSame(wire.value, defaults.get(column));
    const name = nameOf(column);
    const value = isDoubtful ? { ...wire, doubt: NULL_OR_DEFAULT } : wire;
    if (name === PROTO) Object.defineProperty(row, name, { value, enumerable: true });
    else row[name] = value;
  }
  return row;
}

/** A column may be called so, and an assignment to it does something else. */
const PROTO = '__proto__';

/** A schema's default may have lost digits, and then what comes near it is the same. */
function isSame(value: unknown, of: unknown): boolean {
  if (typeof value === 'bigint') return Number(value) === of;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value) === JSON.stringify(of);
  return value === of;
}

const NULL_OR_DEFAULT =
  "the value is the column's default, which this converter sends for NULL too; " +
  'use another format or converter, or take the default from the column';

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
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
