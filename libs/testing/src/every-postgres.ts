import type { FieldType } from '#core/field-type';
import { EVERY_TYPE } from './every-type.ts';

/** The table of `everyPlan`. */
export const EVERY_SQL = `CREATE EXTENSION hstore;
CREATE TABLE every (id bigint PRIMARY KEY, ${EVERY_TYPE.map((type, index) => `f${index} ${columnType(type)}`).join(', ')});`;

function columnType(type: FieldType): string {
  switch (type.kind) {
    case 'array':
      return `${columnType(type.of)}[]`;
    case 'bits':
      return `bit(${type.length})`;
    case 'bytes':
      return 'bytea';
    case 'decimal':
      return type.precision === null ? 'numeric' : `numeric(${type.precision}, ${type.scale})`;
    case 'double':
      return 'float8';
    case 'float':
      return 'real';
    case 'int':
      return 'int';
    case 'long':
      return 'bigint';
    case 'string':
      return type.trim ? `char(${type.length})` : 'text';
    case 'time':
    case 'timestamp':
    case 'timestamptz':
    case 'timetz':
      return `${type.kind}(${type.precision})`;
    case 'json':
    case 'boolean':
    case 'date':
    case 'hstore':
    case 'interval':
    case 'uuid':
      return type.kind;
  }
}
