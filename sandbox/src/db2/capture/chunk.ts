import type { Db2Session } from '#legacy/db2/driver';
import {
  type Column,
  declaration,
  quoted,
  type RowImage,
  selected,
  type Table,
  tableName,
  type Value,
} from './column.ts';
import { imageOf } from './log.ts';
import type { Registered } from './registration.ts';

/** The part of a table that one window of a snapshot reads. */
export interface Chunk {
  readonly rows: readonly RowImage[];
  /** Key of the last row, from where the next chunk goes on; null when the table is at its end. */
  readonly next: readonly Value[] | null;
}

/** Exported for its test. */
export function chunkStatement(table: Table, after: boolean, size: number): string {
  const key = keyColumns(table);
  const order = key.map((column) => quoted(column.name)).join(', ');
  const where = after ? ` WHERE ${keysetCondition(key)}` : '';
  const columns = table.columns.map(selected).join(', ');
  return `SELECT ${columns} FROM ${tableName(table)}${where} ORDER BY ${order} FETCH FIRST ${size} ROWS ONLY`;
}

/** `(a > ?) OR (a = ? AND b > ?)`: Derby does not compare rows. */
function keysetCondition(key: readonly Column[]): string {
  const parameter = (column: Column): string => `CAST(? AS ${declaration(column)})`;
  const branches = key.map((column, index) => {
    const equal = key.slice(0, index).map((before) => `${quoted(before.name)} = ${parameter(before)}`);
    return `(${[...equal, `${quoted(column.name)} > ${parameter(column)}`].join(' AND ')})`;
  });
  return branches.join(' OR ');
}

/** The parameters of `chunkStatement`, in its order. */
export function chunkParameters(after: readonly Value[]): readonly (string | null)[] {
  return after.flatMap((_, index) =>
    after.slice(0, index + 1).map((value) => (value === null ? null : String(value))),
  );
}

/** Rows as they are committed: a row that somebody is changing is waited for. */
export async function readChunk(
  session: Db2Session,
  table: Registered,
  after: readonly Value[] | null,
  size: number,
): Promise<Chunk> {
  const parameters = after === null ? [] : chunkParameters(after);
  // One row more than asked for tells whether there is another chunk.
  const found = await session.query(chunkStatement(table, after !== null, size + 1), parameters);
  const rows = found.slice(0, size).map((row) => imageOf(table, row));
  const last = rows.at(-1);
  const next =
    last === undefined || found.length <= size ? null : table.key.map((name) => last[name] ?? null);
  return { rows, next };
}

/** The greatest key as a text for the notifications, or null when the table is empty. */
export async function greatestKey(session: Db2Session, table: Registered): Promise<string | null> {
  const columns = keyColumns(table);
  const order = columns.map((column) => `${quoted(column.name)} DESC`).join(', ');
  const [row] = await session.query(
    `SELECT ${columns.map(selected).join(', ')} FROM ${tableName(table)} ORDER BY ${order} FETCH FIRST ROW ONLY`,
  );
  return row === undefined ? null : table.key.map((name) => String(row[name])).join(',');
}

function keyColumns(table: Table): readonly Column[] {
  return table.key.flatMap((name) => table.columns.filter((column) => column.name === name));
}
