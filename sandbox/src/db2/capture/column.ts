/**
 * Columns of a captured table: how each is declared, read and written into an event. Formats of the values: Debezium
 * documentation, "Db2 connector", "Data type mappings", with `decimal.handling.mode=string`,
 * `time.precision.mode=adaptive` and `binary.handling.mode=bytes`.
 *
 * Values are carried as texts, so that no BIGINT and no DECIMAL passes a JavaScript number; small integers and doubles
 * come from the driver as numbers and are exact.
 */
export interface Column {
  readonly name: string;
  /** SYSCAT.COLUMNS: TYPENAME, LENGTH, SCALE; `bits` when its CODEPAGE says FOR BIT DATA. */
  readonly type: string;
  readonly length: number;
  readonly scale: number;
  readonly bits: boolean;
}

export interface Table {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly Column[];
  /** Names of the primary key's columns, in the key's order. */
  readonly key: readonly string[];
}

/** A column's value as the statements below return it. */
export type Value = string | number | null;
export type RowImage = Readonly<Record<string, Value>>;

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export function tableName(table: Pick<Table, 'schema' | 'name'>): string {
  return `${quoted(table.schema)}.${quoted(table.name)}`;
}

/** The types that can be captured; the stand-in cannot carry the others through IBM's driver. */
const CAPTURED = new Set([
  ...['SMALLINT', 'INTEGER', 'BIGINT', 'REAL', 'DOUBLE', 'DECIMAL', 'BOOLEAN'],
  ...['CHARACTER', 'VARCHAR', 'DATE', 'TIME', 'TIMESTAMP'],
]);

export function isCaptured(column: Column): boolean {
  return CAPTURED.has(column.type);
}

/** The type as a declaration or the target of a CAST. */
export function declaration(column: Column): string {
  switch (column.type) {
    case 'DECIMAL':
      return `DECIMAL(${column.length}, ${column.scale})`;
    case 'CHARACTER':
    case 'VARCHAR':
      return `${column.type === 'VARCHAR' ? 'VARCHAR' : 'CHAR'}(${column.length})${column.bits ? ' FOR BIT DATA' : ''}`;
    default:
      return column.type;
  }
}

/** An expression of a SELECT list that reads the column without loss. */
export function selected(column: Column): string {
  const name = quoted(column.name);
  if (column.bits) return `ASNCDC.HEX(${name}) AS ${name}`;
  if (column.type === 'DECIMAL') return `TRIM(CHAR(${name})) AS ${name}`;
  return name;
}

/** The value as JSON text, as Debezium and Connect's JsonConverter without schemas write it. */
export function toJson(column: Column, value: Value): string {
  if (value === null) return 'null';
  const text = String(value);
  if (column.bits) return JSON.stringify(Buffer.from(text, 'hex').toString('base64'));
  switch (column.type) {
    case 'SMALLINT':
    case 'INTEGER':
    case 'BIGINT':
    case 'REAL':
    case 'DOUBLE':
      return text;
    case 'BOOLEAN':
      return String(text === '1' || text.toLowerCase() === 'true');
    case 'DATE':
      return String(Date.parse(`${text}T00:00:00Z`) / 86_400_000);
    case 'TIME':
      return String(Date.parse(`1970-01-01T${text}Z`));
    case 'TIMESTAMP':
      return String(micros(text));
    default:
      return JSON.stringify(text);
  }
}

/** Microseconds since the epoch of `YYYY-MM-DD HH:MM:SS.ffffff`, taken as UTC. */
export function micros(stamp: string): bigint {
  const [whole = '', fraction = ''] = stamp.replace(' ', 'T').split('.');
  return BigInt(Date.parse(`${whole}Z`)) * 1000n + BigInt(fraction.padEnd(6, '0').slice(0, 6));
}

export function rowJson(columns: readonly Column[], row: RowImage): string {
  const members = columns.map(
    (column) => `${JSON.stringify(column.name)}:${toJson(column, row[column.name] ?? null)}`,
  );
  return `{${members.join(',')}}`;
}

/** The record's key: the key's columns only. */
export function keyJson(table: Table, row: RowImage): string {
  const columns = table.key.flatMap((name) => table.columns.filter((column) => column.name === name));
  return rowJson(columns, row);
}
