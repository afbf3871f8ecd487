import type { DocumentKey } from '#core/document';
import type { CanonicalValue } from '#core/field-type';
import { type Field, keyFields } from '#core/plan';
import type { Filter, ListQuery, SortTerm } from '#core/query';
import { type Column, columnOf, type EmbedShape, type PlanShape, type Shape } from './columns.ts';
import { exact, natural, operand, readable, type Side } from './expression.ts';
import { identifier, joined, Sql, sql, tableName } from './statement.ts';

/**
 * Read stability: rows that were read stay locked to the transaction's end. Db2 has no snapshot that spans statements;
 * so root and children, read after each other, are one state all the same.
 */
const STABLE = 'WITH RS';

/** Aliases of the fields' expressions: `F0`, `F1`, ... in the mapping's order. */
export function fieldAlias(index: number): string {
  return `F${index}`;
}

/** Aliases of a child's parent key: `P0`, ... */
export function parentAlias(index: number): string {
  return `P${index}`;
}

function fieldList(shape: Shape): string {
  return shape.mapping.fields
    .map((field, index) => readable(columnOf(shape, field.column), fieldAlias(index)))
    .join(', ');
}

/** Where a key is a text, rows come too whose key differs in blanks at its end: see `withKeys`. */
export function selectByKeys(shape: PlanShape, keys: readonly DocumentKey[]): Sql {
  const condition = joined(
    keys.map((key) => keyCondition(shape, key)),
    ' OR ',
  );
  return sql`SELECT ${fieldList(shape.root)} FROM ${tableName(shape.root.mapping.table)} WHERE ${condition} ${STABLE}`;
}

/** Holds the root row against other writers until the transaction ends. */
export function lockRoot(shape: PlanShape, key: DocumentKey): Sql {
  const [first = ''] = shape.root.mapping.key;
  return sql`SELECT ${identifier(first)} FROM ${tableName(shape.root.mapping.table)} WHERE ${keyCondition(shape, key)} FOR UPDATE ${STABLE}`;
}

export function keyCondition(shape: PlanShape, key: DocumentKey): Sql {
  const parts = keyFields(shape.plan.root).map((field, index) =>
    equals(columnOf(shape.root, field.column), key[index] ?? null),
  );
  return sql`(${joined(parts, ' AND ')})`;
}

export function parentCondition(shape: PlanShape, embed: EmbedShape, key: DocumentKey): Sql {
  const parts = keyFields(shape.plan.root).map((_, index) =>
    equals(columnOf(embed, embed.mapping.parentKey[index] ?? ''), key[index] ?? null),
  );
  return sql`(${joined(parts, ' AND ')})`;
}

/** The children of several documents, each with its parent's key. */
export function selectChildren(shape: PlanShape, embed: EmbedShape, keys: readonly DocumentKey[]): Sql {
  const parents = embed.mapping.parentKey.map((name, index) =>
    readable(columnOf(embed, name), parentAlias(index)),
  );
  const condition = joined(
    keys.map((key) => parentCondition(shape, embed, key)),
    ' OR ',
  );
  const list = [...parents, fieldList(embed)].join(', ');
  return sql`SELECT ${list} FROM ${tableName(embed.mapping.table)} WHERE ${condition} ${STABLE}`;
}

export function equals(column: Column, value: CanonicalValue): Sql {
  const name = identifier(column.name);
  return value === null ? new Sql(`${name} IS NULL`) : sql`${name} = ${operand(column, value)}`;
}

/** One page and one row more, which tells whether another page follows. */
export function selectPage(shape: PlanShape, query: ListQuery): Sql {
  const conditions = query.filters.map((filter) => filterCondition(shape, filter));
  if (query.after !== null) conditions.push(beyond(shape, query.sort, query.after));
  const where = conditions.length === 0 ? new Sql('') : sql` WHERE ${joined(conditions, ' AND ')}`;
  const order = query.sort.map((term) => orderTerm(shape, term)).join(', ');
  const table = tableName(shape.root.mapping.table);
  return sql`SELECT ${fieldList(shape.root)} FROM ${table}${where} ORDER BY ${order} FETCH FIRST ${String(query.limit + 1)} ROWS ONLY ${STABLE}`;
}

/**
 * Keys are sorted as the database does, since a scan goes through a whole table in their order, a page at a time: only
 * an index makes that possible.
 */
function ordering(shape: PlanShape, field: Field): Side {
  const column = columnOf(shape.root, field.column);
  return shape.root.mapping.key.includes(field.column) ? natural(column) : exact(column, field.type);
}

/** Nulls first when ascending and last when descending, said without NULLS FIRST, which not every Db2 has. */
function orderTerm(shape: PlanShape, { field, descending }: SortTerm): string {
  const column = columnOf(shape.root, field.column);
  const direction = descending ? ' DESC' : '';
  const order = `${ordering(shape, field).expression}${direction}`;
  return column.nullable
    ? `CASE WHEN ${identifier(column.name)} IS NULL THEN 0 ELSE 1 END${direction}, ${order}`
    : order;
}

/** Rows behind the given values in the order of the sort: `(a > x) OR (a = x AND b > y)`, with nulls in their place. */
function beyond(shape: PlanShape, sort: readonly SortTerm[], after: readonly CanonicalValue[]): Sql {
  const alternatives = sort.map((term, index) => {
    const equal = sort.slice(0, index).map(({ field }, at) => exactlyEquals(shape, field, after[at] ?? null));
    return sql`(${joined([...equal, further(shape, term, after[index] ?? null)], ' AND ')})`;
  });
  return sql`(${joined(alternatives, ' OR ')})`;
}

const NEVER = new Sql('1 = 0');

function further(shape: PlanShape, { field, descending }: SortTerm, value: CanonicalValue): Sql {
  const column = columnOf(shape.root, field.column);
  const name = identifier(column.name);
  if (value === null) return descending ? NEVER : new Sql(`${name} IS NOT NULL`);
  const { expression, operand } = ordering(shape, field);
  if (!descending) return sql`${expression} > ${operand(value)}`;
  const lower = sql`${expression} < ${operand(value)}`;
  return column.nullable ? sql`(${lower} OR ${name} IS NULL)` : lower;
}

/** By the column, which an index may serve, and where that is not enough by its bytes too. */
function exactlyEquals(shape: PlanShape, field: Field, value: CanonicalValue): Sql {
  const column = columnOf(shape.root, field.column);
  const alike = equals(column, value);
  const { expression, operand } = exact(column, field.type);
  if (value === null || expression === natural(column).expression) return alike;
  return sql`(${alike} AND ${expression} = ${operand(value)})`;
}

const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

function filterCondition(shape: PlanShape, { field, operator, values }: Filter): Sql {
  const column = columnOf(shape.root, field.column);
  const name = identifier(column.name);
  const [value = null] = values;
  switch (operator) {
    case 'eq':
      return exactlyEquals(shape, field, value);
    case 'ne': {
      if (value === null) return new Sql(`${name} IS NOT NULL`);
      const { expression, operand } = exact(column, field.type);
      return sql`(${expression} <> ${operand(value)} OR ${name} IS NULL)`;
    }
    case 'in': {
      const alternatives = values.map((one) => exactlyEquals(shape, field, one));
      return alternatives.length === 0 ? NEVER : sql`(${joined(alternatives, ' OR ')})`;
    }
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte': {
      if (value === null) return NEVER;
      const { expression, operand } = ordering(shape, field);
      return sql`${expression} ${COMPARISONS[operator]} ${operand(value)}`;
    }
  }
}
