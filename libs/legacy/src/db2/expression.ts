import { FicusError } from '#core/errors';
import type { CanonicalValue } from '#core/field-type';
import type { Column } from './columns.ts';
import { identifier, Sql } from './statement.ts';

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
