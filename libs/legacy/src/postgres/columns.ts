import { FicusError } from '#core/errors';
import type { Embed, Field, Plan, RowMapping } from '#core/plan';
import { nearest } from '../nearest.ts';
import { type Cell, type Row, type Statement, statement } from './statement.ts';

/** A column as the database itself knows it; domains are resolved to what they stand for. */
export interface Column {
  readonly name: string;
  /** Name of the base type in pg_type: `numeric`, `bpchar`, `timestamptz`, or an enum's own name. */
  readonly type: string;
  /** The base type without a length or precision, as a cast takes it. */
  readonly cast: string;
  /** The base type as declared, e.g. `numeric(12,2)`. */
  readonly declared: string;
  /** pg_type.typtype of the base type: b base, c composite, e enum, r range, m multirange, p pseudo. */
  readonly family: string;
  /** pg_type.typcategory, e.g. A for arrays. */
  readonly category: string;
  readonly notNull: boolean;
  readonly hasDefault: boolean;
  /** pg_attribute.attidentity (a always, d by default) and attgenerated (s stored, v virtual), else empty. */
  readonly identity: string;
  readonly generated: string;
  /** Does the column's own collation order text by code point? */
  readonly byCodePoint: boolean;
  /** Does its collation hold different texts for equal? */
  readonly loose: boolean;
}

/** A mapping joined with what the database says about its table. */
export interface Shape {
  readonly mapping: RowMapping;
  readonly columns: ReadonlyMap<string, Column>;
}

export interface EmbedShape extends Shape {
  readonly mapping: Embed;
}

export interface PlanShape {
  readonly plan: Plan;
  readonly root: Shape;
  readonly embeds: readonly EmbedShape[];
}

/**
 * Describes the columns of tables given as `schema.table` (one text[] parameter); see `readColumn` for the cells.
 * Whether a collation orders by code point is told from its provider: C and POSIX of libc, and the built-in ones.
 */
const COLUMNS = `
WITH RECURSIVE wanted AS (
  SELECT c.oid, n.nspname || '.' || c.relname AS name
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname || '.' || c.relname = ANY ($1::text[])
), base AS (
  SELECT w.name AS tbl, a.attnum, t.oid AS typ, a.atttypmod AS mod, a.attnotnull AS strict
  FROM wanted w
  JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
  UNION ALL
  SELECT b.tbl, b.attnum, t.typbasetype, CASE WHEN b.mod >= 0 THEN b.mod ELSE t.typtypmod END,
    b.strict OR t.typnotnull
  FROM base b JOIN pg_catalog.pg_type t ON t.oid = b.typ WHERE t.typtype = 'd'
)
SELECT w.name, a.attname::text, t.typname::text,
  pg_catalog.format_type(t.oid, -1), pg_catalog.format_type(t.oid, b.mod),
  t.typtype::text, t.typcategory::text, b.strict::text, a.atthasdef::text, a.attidentity::text, a.attgenerated::text,
  (CASE coll.provider
     WHEN 'd' THEN CASE db.provider WHEN 'b' THEN true WHEN 'i' THEN false ELSE db.collate IN ('C', 'POSIX') END
     WHEN 'b' THEN true
     WHEN 'c' THEN coll.collate IN ('C', 'POSIX')
     ELSE false END)::text,
  (coll.deterministic IS FALSE)::text
FROM wanted w
JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN base b ON b.tbl = w.name AND b.attnum = a.attnum
JOIN pg_catalog.pg_type t ON t.oid = b.typ AND t.typtype <> 'd'
LEFT JOIN LATERAL (
  SELECT c.collprovider::text AS provider, c.collcollate::text AS collate, c.collisdeterministic AS deterministic
  FROM pg_catalog.pg_collation c WHERE c.oid = a.attcollation
) coll ON true
CROSS JOIN (
  SELECT coalesce(to_jsonb(d)->>'datlocprovider', 'c') AS provider, d.datcollate::text AS collate
  FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()
) db
ORDER BY w.name, a.attnum`;

export function selectColumns(tables: readonly string[]): Statement {
  return statement(COLUMNS, [tables]);
}

/** Columns by table, in the table's order. */
export function readColumns(rows: readonly Row[]): ReadonlyMap<string, readonly Column[]> {
  const tables = new Map<string, Column[]>();
  for (const row of rows) {
    const [table, ...cells] = row.map((cell: Cell) => cell ?? '');
    const columns = tables.get(table ?? '') ?? [];
    columns.push(readColumn(cells));
    tables.set(table ?? '', columns);
  }
  return tables;
}

function readColumn(cells: readonly string[]): Column {
  const [name = '', type = '', cast = '', declared = '', family = '', category = '', ...rest] = cells;
  const [notNull, hasDefault, identity = '', generated = '', byCodePoint, loose] = rest;
  return {
    name,
    type,
    cast,
    declared,
    family,
    category,
    notNull: notNull === 'true',
    hasDefault: hasDefault === 'true',
    identity,
    generated,
    byCodePoint: byCodePoint === 'true',
    loose: loose === 'true',
  };
}

/** @throws FicusError `plan_invalid` naming the first table or column that the database does not have. */
export function shapeOf(plan: Plan, tables: ReadonlyMap<string, readonly Column[]>): PlanShape {
  const shape = <M extends RowMapping>(mapping: M): { mapping: M; columns: ReadonlyMap<string, Column> } => {
    const columns = tables.get(mapping.table);
    if (columns === undefined)
      throw new FicusError(
        'plan_invalid',
        `unit ${plan.unit}: system ${plan.system} has no table ${mapping.table}`,
      );
    return { mapping, columns: new Map(columns.map((column) => [column.name, column])) };
  };
  const root = shape(plan.root);
  const embeds = plan.embeds.map((embed) => shape(embed));
  for (const field of plan.root.fields) columnOf(root, field.column);
  for (const embed of embeds) {
    const names = [...embed.mapping.parentKey, ...embed.mapping.fields.map((field) => field.column)];
    for (const name of names) columnOf(embed, name);
  }
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

export function fieldColumn(shape: Shape, field: Field): Column {
  return columnOf(shape, field.column);
}
