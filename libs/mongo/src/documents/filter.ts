import type { Document } from 'mongodb';
import { type CanonicalValue, isFloating } from '#core/field-type';
import { type Field, keyFields, type Plan } from '#core/plan';
import type { Filter, ListQuery, SortTerm } from '#core/query';
import { toBson, toId } from './bson.ts';

export interface FindPlan {
  readonly filter: Document;
  readonly sort: Document;
}

/**
 * A list query in MongoDB's terms. MongoDB sorts null first and compares strings by their UTF-8 bytes when no
 * collation is set, which is the order that query.ts promises; gt/lt match values of the same type only, so never null.
 */
export function findPlan(plan: Plan, query: ListQuery): FindPlan {
  const terms = query.sort;
  const tail = keyTail(plan, terms);
  const leading = tail === null ? terms : terms.slice(0, terms.length - keyFields(plan.root).length);
  const conditions: Document[] = [{ '_m.live': true }, ...query.filters.map(condition)];
  const columns = leading.map((term, index) =>
    column(term.field, term.descending, query.after?.[index] ?? null),
  );
  if (tail !== null) {
    const key = query.after?.slice(leading.length) ?? [];
    columns.push({
      name: '_id',
      descending: tail.descending,
      bson: query.after === null ? null : toId(plan, key),
      isNull: false,
      isDouble: false,
      isNaN: false,
    });
  }
  if (query.after !== null) conditions.push(beyond(columns));
  return {
    filter: { $and: conditions },
    sort: Object.fromEntries(columns.map((one) => [one.name, one.descending ? -1 : 1])),
  };
}

interface Column {
  readonly name: string;
  readonly descending: boolean;
  readonly bson: unknown;
  readonly isNull: boolean;
  /** A comparison never crosses between NaN and the numbers, though NaN sorts below them. */
  readonly isDouble: boolean;
  readonly isNaN: boolean;
}

function column(field: Field, descending: boolean, value: CanonicalValue): Column {
  return {
    name: field.path,
    descending,
    bson: toBson(field.type, value),
    isNull: value === null,
    isDouble: isFloating(field.type),
    isNaN: isFloating(field.type) && value === 'NaN',
  };
}

/** `_id` stands for the key fields, so that its index serves, when they close the order in one direction. */
function keyTail(plan: Plan, terms: readonly SortTerm[]): { descending: boolean } | null {
  const fields = keyFields(plan.root);
  const tail = terms.slice(-fields.length);
  const [first] = tail;
  const same = tail.every(
    (term, index) => term.field.path === fields[index]?.path && term.descending === first?.descending,
  );
  return same && first !== undefined ? { descending: first.descending } : null;
}

/** Rows after the given ones: for each column, equal in all before it and further in it. */
function beyond(columns: readonly Column[]): Document {
  const alternatives = columns.flatMap((one, index) => {
    const further = furtherThan(one);
    if (further === null) return [];
    const equal = columns.slice(0, index).map((before): Document => ({ [before.name]: before.bson }));
    return [{ $and: [...equal, further] }];
  });
  return alternatives.length === 0 ? { _id: { $exists: false } } : { $or: alternatives };
}

function furtherThan(one: Column): Document | null {
  const is = (condition: unknown): Document => ({ [one.name]: condition });
  if (one.isNull) return one.descending ? null : is({ $ne: null });
  if (!one.descending) return one.isNaN ? is({ $gte: -Infinity }) : is({ $gt: one.bson });
  if (one.isNaN) return is(null);
  const less = is({ $lt: one.bson });
  if (one.name === '_id') return less;
  return { $or: [less, ...(one.isDouble ? [is(Number.NaN)] : []), is(null)] };
}

function condition(filter: Filter): Document {
  const { field, operator } = filter;
  // A null within an array would pass for the array's own.
  if (field.type.kind === 'array') {
    const isArray = { [field.path]: { $type: 'array' } };
    return operator === 'eq' ? { $nor: [isArray] } : isArray;
  }
  const values = filter.values.map((value) => toBson(field.type, value));
  return { [field.path]: operator === 'in' ? { $in: values } : { [`$${operator}`]: values[0] ?? null } };
}
