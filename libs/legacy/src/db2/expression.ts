import { FicusError } from '#core/errors';
import type { CanonicalValue, FieldType } from '#core/field-type';
import type { Column } from './columns.ts';
import { identifier, Sql, sql } from './statement.ts';

/**
 * How Db2's values meet canonical ones. Everything is bound as text and says by a CAST what it becomes, and DECIMAL
 * and BIGINT are read as text, since IBM's driver would make JavaScript numbers of them.
 */

/** A SELECT-list expression that `parseText` can read, under an alias that no column name can break. */
export function readable(column: Column, alias: string): string {
  const name = identifier(column.name);
  if (column.bits) return `HEX(${name}) AS ${alias}`;
  if (column.type === 'DECIMAL' || column.type === 'BIGINT') return `TRIM(CHAR(${name})) AS ${alias}`;
  return `${name} AS ${alias}`;
}

/** Long texts are compared in steps of this length, so that there are few different statements to prepare. */
const TEXT_STEP = 256;
const LONGEST_TEXT = 32_672;

/** A value to compare the column with. A text may be longer than the column: it must then be unequal, not cut. */
export function operand(column: Column, value: CanonicalValue): Sql {
  switch (column.type) {
    case 'CHARACTER':
    case 'VARCHAR':
    case 'LONG VARCHAR': {
      if (column.bits) return refuseBits(column);
      const text = String(value);
      const bytes = Math.max(column.length, new TextEncoder().encode(text).length);
      const size = Math.min(LONGEST_TEXT, Math.ceil(bytes / TEXT_STEP) * TEXT_STEP);
      return new Sql(`CAST(? AS VARCHAR(${size}))`, [text]);
    }
    // Wider than the column, which a legal value of the API may not fit into.
    case 'SMALLINT':
    case 'INTEGER':
      return new Sql('CAST(? AS BIGINT)', [String(value)]);
    default:
      return typed(column, value);
  }
}

/** What a column is compared by: an expression over it, and what a value becomes to stand against that. */
export interface Side {
  readonly expression: string;
  readonly operand: (value: CanonicalValue) => Sql;
}

/** As the database compares: an index serves. */
export function natural(column: Column): Side {
  return { expression: identifier(column.name), operand: (value) => operand(column, value) };
}

/** HEX answers a VARCHAR, so it takes texts of half the longest one's length. */
const LONGEST_BYTES = LONGEST_TEXT / 2;

/**
 * As canonical values compare. Db2 takes texts that differ in blanks at their end for equal, and orders by the
 * database's collation; the bytes in hexadecimal are neither padded nor collated, and in a Unicode database their order
 * is that of the code points. No index serves, but for one on this very expression.
 */
export function exact(column: Column, type: FieldType): Side {
  if (type.kind !== 'string' || column.bits || column.length > LONGEST_BYTES) return natural(column);
  const text = `${type.trim ? 'RTRIM' : 'VARCHAR'}(${identifier(column.name)})`;
  return { expression: `HEX(${text})`, operand: (value) => sql`HEX(VARCHAR(${operand(column, value)}))` };
}

/** A value to store in the column. A text is bound bare: the database must refuse one that is too long, not cut it. */
export function assigned(column: Column, value: CanonicalValue | undefined): Sql {
  if (value === undefined) return new Sql('DEFAULT');
  if (value === null) return new Sql('NULL');
  switch (column.type) {
    case 'CHARACTER':
    case 'VARCHAR':
    case 'LONG VARCHAR':
      return column.bits ? refuseBits(column) : new Sql('?', [String(value)]);
    default:
      return typed(column, value);
  }
}

function typed(column: Column, value: CanonicalValue): Sql {
  const text = String(value);
  switch (column.type) {
    case 'DECIMAL':
      return new Sql(`CAST(? AS DECIMAL(${column.length}, ${column.scale}))`, [text]);
    case 'REAL':
      return new Sql('CAST(DOUBLE(CAST(? AS VARCHAR(40))) AS REAL)', [text]);
    case 'DOUBLE':
      return new Sql('DOUBLE(CAST(? AS VARCHAR(40)))', [text]);
    case 'TIMESTAMP':
      return new Sql('CAST(? AS TIMESTAMP)', [text.replace('T', ' ')]);
    case 'BIGINT':
    case 'BOOLEAN':
    case 'DATE':
    case 'INTEGER':
    case 'SMALLINT':
    case 'TIME':
      return new Sql(`CAST(? AS ${column.type})`, [text]);
    default:
      throw new FicusError(
        'plan_invalid',
        `column ${column.name} is ${column.type}, which cannot be written or compared`,
      );
  }
}

function refuseBits(column: Column): never {
  throw new FicusError(
    'value_invalid',
    `column ${column.name} is FOR BIT DATA: it can be read, but neither be compared with nor be written`,
  );
}
