import { type CanonicalValue, type FieldType, isFloating } from '#core/field-type';
import type { Filter, FilterOperator, ListQuery, SortTerm } from '#core/query';
import { type Column, fieldColumn, type PlanShape } from './columns.ts';
import { type Comparable, comparable, parameterText, type Side } from './expression.ts';
import { ROOT, selectDocuments } from './read-sql.ts';
import { Binding, type Statement } from './statement.ts';

const COMPARISONS: Readonly<Partial<Record<FilterOperator, string>>> = {
  gt: '>',
  gte: '>=',
  lt: '<',
  lte: '<=',
};

/** One page and one row more, which tells whether another page follows. */
export function selectPage(shape: PlanShape, query: ListQuery): Statement {
  const binding = new Binding();
  const terms = query.sort.map((term) => sortable(shape, term));
  const conditions = query.filters.map((filter) => filterCondition(shape, filter, binding));
  if (query.after !== null) conditions.push(beyond(terms, query.after, binding));
  const where = conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
  const order = terms.map(orderTerm).join(', ');
  const limit = binding.bind(String(query.limit + 1));
  return binding.statement(`${selectDocuments(shape)}${where} ORDER BY ${order} LIMIT ${limit}::bigint`);
}

interface Sortable {
  readonly type: FieldType;
  readonly order: Side;
  readonly column: Column;
  readonly descending: boolean;
}

function sortable(shape: PlanShape, term: SortTerm): Sortable {
  const column = fieldColumn(shape.root, term.field);
  const { order } = comparable(ROOT, column, term.field.type);
  return { type: term.field.type, order, column, descending: term.descending };
}

/** Where the nulls go is only said where there can be any: an index serves the plain order alone. */
function orderTerm({ order, column, descending }: Sortable): string {
  const nulls = column.notNull ? '' : descending ? ' NULLS LAST' : ' NULLS FIRST';
  return `${order.expression}${descending ? ' DESC' : ''}${nulls}`;
}

/** Rows after the given values: a row comparison where it says the same, since an index serves it. */
function beyond(terms: readonly Sortable[], after: readonly CanonicalValue[], binding: Binding): string {
  const [first] = terms;
  const plain = terms.every(
    (term, index) =>
      term.column.notNull && term.descending === first?.descending && (after[index] ?? null) !== null,
  );
  const operands = terms.map(({ type, order }, index) => {
    const value = after[index] ?? null;
    return value === null ? null : order.operand(binding.bind(parameterText(type, value)));
  });
  if (plain && first !== undefined) {
    const left = terms.map(({ order }) => order.expression).join(', ');
    return `(${left}) ${first.descending ? '<' : '>'} (${operands.join(', ')})`;
  }
  const alternatives = terms.map((term, index) => {
    const equal = terms.slice(0, index).map((before, at) => equalTo(before, operands[at] ?? null));
    return `(${[...equal, further(term, operands[index] ?? null)].join(' AND ')})`;
  });
  return `(${alternatives.join(' OR ')})`;
}

function equalTo({ order }: Sortable, operand: string | null): string {
  return operand === null ? `${order.expression} IS NULL` : `${order.expression} = ${operand}`;
}

function further({ order, descending }: Sortable, operand: string | null): string {
  if (operand === null) return descending ? 'FALSE' : `${order.expression} IS NOT NULL`;
  if (!descending) return `${order.expression} > ${operand}`;
  return `(${order.expression} < ${operand} OR ${order.expression} IS NULL)`;
}

function filterCondition(shape: PlanShape, filter: Filter, binding: Binding): string {
  const { field, operator, values } = filter;
  const sides = comparable(ROOT, fieldColumn(shape.root, field), field.type);
  const { equality } = sides;
  const bound = (side: Side, value: CanonicalValue): string =>
    side.operand(binding.bind(parameterText(field.type, value)));
  const [value = null] = values;
  switch (operator) {
    case 'eq':
      return value === null
        ? `${equality.expression} IS NULL`
        : `${equality.expression} = ${bound(equality, value)}`;
    case 'ne':
      return value === null
        ? `${equality.expression} IS NOT NULL`
        : `(${equality.expression} <> ${bound(equality, value)} OR ${equality.expression} IS NULL)`;
    case 'in': {
      const listed = values.filter((one) => one !== null).map((one) => bound(equality, one));
      const alternatives = [
        ...(listed.length === 0 ? [] : [`${equality.expression} IN (${listed.join(', ')})`]),
        ...(listed.length < values.length ? [`${equality.expression} IS NULL`] : []),
      ];
      return alternatives.length === 0 ? 'FALSE' : `(${alternatives.join(' OR ')})`;
    }
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      if (value === null) return 'FALSE';
      if (isFloating(field.type)) return doubleCondition(sides, field.type, { operator, value }, binding);
      return `${sides.order.expression} ${COMPARISONS[operator]} ${bound(sides.order, value)}`;
  }
}

/** NaN has a place in an order, but it is neither less nor greater than a number: so MongoDB filters, and so here. */
function doubleCondition(
  { equality }: Comparable,
  type: FieldType,
  { operator, value }: { operator: 'gt' | 'gte' | 'lt' | 'lte'; value: CanonicalValue },
  binding: Binding,
): string {
  if (value === 'NaN')
    return operator === 'gte' || operator === 'lte' ? `${equality.expression} = 'NaN'` : 'FALSE';
  const operand = equality.operand(binding.bind(parameterText(type, value)));
  return `(${equality.expression} ${COMPARISONS[operator]} ${operand} AND ${equality.expression} <> 'NaN')`;
}
