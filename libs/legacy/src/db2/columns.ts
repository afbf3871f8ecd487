import { FicusError } from '#core/errors';
import type { Embed, Field, Plan, RowMapping } from '#core/plan';
import { nearest } from '../nearest.ts';
import type { Row } from './driver.ts';
import { Sql } from './statement.ts';

/** A column as SYSCAT.COLUMNS has it (Db2 SQL reference, "Catalog views"). */
export interface Column {
  readonly name: string;
  /** Db2's name of the type: CHARACTER, VARCHAR, DECIMAL, TIMESTAMP, ... */
  readonly type: string;
  /** Bytes of a text, digits of a decimal. */
  readonly length: number;
  readonly scale: number;
  /** FOR BIT DATA: bytes, not text. */
  readonly bits: boolean;
  readonly nullable: boolean;
  readonly hasDefault: boolean;
  readonly identity: boolean;
  /** Filled by the database whatever a client sends. */
  readonly generated: boolean;
}

export interface Shape {
  readonly mapping: RowMapping;
  readonly columns: ReadonlyMap<string, Column>;
}

export interface EmbedShape extends Shape {
  readonly mapping: Embed;
}

/** A plan joined with what the database says about its tables. */
export interface PlanShape {
  readonly plan: Plan;
  readonly root: Shape;
  readonly embeds: readonly EmbedShape[];
}

const TEXTS = new Set(['CHARACTER', 'VARCHAR', 'LONG VARCHAR']);

export function selectColumns(table: string): Sql {
  const [schema = '', name = ''] = table.split('.');
  return new Sql(
    `SELECT COLNAME, TYPENAME, LENGTH, SCALE, CODEPAGE, NULLS, "DEFAULT" AS DEFAULTED, "IDENTITY" AS IDENT, "GENERATED" AS GEN
     FROM SYSCAT.COLUMNS WHERE TABSCHEMA = ? AND TABNAME = ? ORDER BY COLNO`,
    [schema, name],
  );
}

export function readColumn(row: Row): Column {
  const type = String(row['TYPENAME']).trim();
  return {
    name: String(row['COLNAME']),
    type,
    length: Number(row['LENGTH']),
    scale: Number(row['SCALE']),
    bits: TEXTS.has(type) && Number(row['CODEPAGE']) === 0,
    nullable: row['NULLS'] === 'Y',
    hasDefault: row['DEFAULTED'] !== null,
    identity: row['IDENT'] === 'Y',
    generated: row['GEN'] === 'A',
  };
}

/** @throws FicusError `plan_invalid` naming the first table or column that the database does not have. */
export function shapeOf(plan: Plan, tables: ReadonlyMap<string, readonly Column[]>): PlanShape {
  const shape = <M extends RowMapping>(mapping: M): { mapping: M; columns: ReadonlyMap<string, Column> } => {
    const columns = tables.get(mapping.table) ?? [];
    if (columns.length === 0) {
      throw new FicusError(
        'plan_invalid',
        `unit ${plan.unit}: system ${plan.system} has no table ${mapping.table}`,
      );
    }
    return { mapping, columns: new Map(columns.map((column) => [column.name, column])) };
  };
  const root = shape(plan.root);
  const embeds = plan.embeds.map((embed) => shape(embed));
  for (const one of [root, ...embeds]) for (const field of one.mapping.fields) columnOf(one, field.column);
  for (const embed of embeds) for (const name of embed.mapping.parentKey) columnOf(embed, name);
  return { plan, root, embeds };
}

/** @throws FicusError `plan_invalid` naming the column and the nearest existing ones. */
export function columnOf(shape: Shape, name: string): Column {
  const column = shape.columns.get(name);
  if (column !== undefined) return column;
  const near = nearest(name, [...shape.columns.keys()]).join(', ');
  throw new FicusError(
    'plan_invalid',
    `table ${shape.mapping.table} has no column "${name}"; the nearest are ${near}`,
  );
}

/** Fields that a client's write sets. */
export function writable(shape: Shape): readonly Field[] {
  return shape.mapping.fields.filter((field) => !field.readOnly && !columnOf(shape, field.column).generated);
}
