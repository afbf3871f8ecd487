import { type Fault, FicusError, reasonOf } from './errors.ts';
import type { CanonicalValue, FieldKind } from './field-type.ts';
import { type Field, keyFields, type Plan } from './plan.ts';
import { pointerOf } from './pointer.ts';
import { FILTER_OPERATORS, type Filter, type FilterOperator, type SortTerm } from './query.ts';
import { parseCanonical } from './value.ts';

/**
 * The query string of a list, e.g. `?limit=50&sort=-dueOn,amount&filter[amount][gte]=10&filter[payee.iban]=null`.
 *
 * A filter's value is text: `null` stands for the null value, `in` takes values separated by commas, and a backslash
 * makes the next character mean itself (`\null` is the word, `a\,b` one value). Several filters must all hold.
 */
export interface ListRequest {
  readonly filters: readonly Filter[];
  /** Ends with the key fields, so that the order is total. */
  readonly sort: readonly SortTerm[];
  readonly limit: number;
  readonly cursor: string | null;
}

export const LIST_LIMIT = { usual: 50, highest: 1000 } as const;

/** Kinds whose order is the same in no two stores (bytes, interval) or has no meaning. */
const UNORDERED: readonly FieldKind[] = ['array', 'bytes', 'hstore', 'interval', 'json'];
/** Kinds of which only the absence can be asked for. */
const OPAQUE: readonly FieldKind[] = ['array', 'hstore', 'json'];
/** Operators that need an order, and so never match null. */
const RANGES: readonly FilterOperator[] = ['gt', 'gte', 'lt', 'lte'];
const FILTER = /^filter\[([^\][]*)\](?:\[([^\][]*)\])?$/;
const INTEGER = /^-?\d{1,15}$/;
const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

/** An extended decimal is in MongoDB a number or, when it is too long, a text. */
export function isOrdered(field: Field): boolean {
  return (
    !UNORDERED.includes(field.type.kind) && !(field.type.kind === 'decimal' && field.type.extended === true)
  );
}

/** The operators that a field takes. */
export function operatorsOf(field: Field): readonly FilterOperator[] {
  if (OPAQUE.includes(field.type.kind)) return ['eq', 'ne'];
  return FILTER_OPERATORS.filter((operator) => isOrdered(field) || !RANGES.includes(operator));
}

/**
 * @param pairs the decoded parameters in their order, repeated ones included.
 * @throws FicusError `query_invalid` with every fault; pointers go into `{limit, cursor, sort, filter: {field: {operator}}}`.
 */
export function parseListRequest(plan: Plan, pairs: Iterable<readonly [string, string]>): ListRequest {
  const faults: Fault[] = [];
  const filters: Filter[] = [];
  const single = new Map<string, string>();
  for (const [name, text] of pairs) {
    if (name === 'limit' || name === 'cursor' || name === 'sort') {
      if (single.has(name)) faults.push({ pointer: `/${name}`, message: 'is given twice; once is legal' });
      single.set(name, text);
    } else if (name.startsWith('filter')) {
      const filter = readFilter(plan, name, text, faults);
      if (filter !== null) filters.push(filter);
    } else {
      const message = `no such parameter; legal are limit, cursor, sort, filter[field] and filter[field][operator]`;
      faults.push({ pointer: pointerOf([name]), message });
    }
  }
  const limit = readLimit(single.get('limit'), faults);
  const sort = readSort(plan, single.get('sort'), faults);
  const cursor = single.get('cursor') ?? null;
  if (faults.length > 0) {
    const detail = faults.map(({ pointer, message }) => `${pointer}: ${message}`).join('; ');
    throw new FicusError('query_invalid', detail, { faults });
  }
  return { filters, sort, limit, cursor };
}

/** The parameters that `parseListRequest` reads as this request. */
export function printListRequest(request: ListRequest): readonly (readonly [string, string])[] {
  return [
    ['limit', String(request.limit)],
    ['sort', printSort(request.sort)],
    ...request.filters.map((filter): readonly [string, string] => [
      filter.operator === 'eq'
        ? `filter[${filter.field.path}]`
        : `filter[${filter.field.path}][${filter.operator}]`,
      filter.values.map((value) => printValue(value, filter.operator)).join(','),
    ]),
    ...(request.cursor === null ? [] : [['cursor', request.cursor] as const]),
  ];
}

export function printSort(sort: readonly SortTerm[]): string {
  return sort.map((term) => (term.descending ? `-${term.field.path}` : term.field.path)).join(',');
}

function readLimit(text: string | undefined, faults: Fault[]): number {
  if (text === undefined) return LIST_LIMIT.usual;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (limit >= 1 && limit <= LIST_LIMIT.highest) return limit;
  const message = `"${text}" is not legal here; legal is an integer from 1 to ${LIST_LIMIT.highest}`;
  faults.push({ pointer: '/limit', message });
  return LIST_LIMIT.usual;
}

function readSort(plan: Plan, text: string | undefined, faults: Fault[]): readonly SortTerm[] {
  const terms: SortTerm[] = [];
  for (const [index, word] of (text === undefined ? [] : text.split(',')).entries()) {
    const descending = word.startsWith('-');
    const path = descending ? word.slice(1) : word;
    const field = plan.root.fields.find((candidate) => candidate.path === path);
    const fault = (message: string): unknown => faults.push({ pointer: `/sort/${index}`, message });
    if (field === undefined) fault(`"${path}" is no field; legal are ${pathsOf(plan, isOrdered)}`);
    else if (!isOrdered(field))
      fault(`"${path}" is ${field.type.kind} and has no order; legal are ${pathsOf(plan, isOrdered)}`);
    else if (terms.some((term) => term.field === field)) fault(`"${path}" is given twice`);
    else terms.push({ field, descending });
  }
  const rest = keyFields(plan.root).filter((field) => !terms.some((term) => term.field === field));
  return [...terms, ...rest.map((field) => ({ field, descending: false }))];
}

function readFilter(plan: Plan, name: string, text: string, faults: Fault[]): Filter | null {
  const refuse = (pointer: string, message: string): null => {
    faults.push({ pointer, message });
    return null;
  };
  const match = FILTER.exec(name);
  if (match === null)
    return refuse(pointerOf([name]), 'is no filter; legal are filter[field] and filter[field][operator]');
  const [, path = '', word = 'eq'] = match;
  const field = plan.root.fields.find((candidate) => candidate.path === path);
  if (field === undefined)
    return refuse(pointerOf(['filter', path]), `no such field; legal are ${pathsOf(plan, () => true)}`);
  const operator = operatorsOf(field).find((candidate) => candidate === word);
  const pointer = pointerOf(['filter', path, word]);
  if (operator === undefined)
    return refuse(
      pointer,
      `no such operator for ${field.type.kind}; legal are ${operatorsOf(field).join(', ')}`,
    );
  const words = operator === 'in' ? splitWords(text) : [text];
  const values: CanonicalValue[] = [];
  for (const raw of words) {
    try {
      values.push(readValue(field, operator, raw));
    } catch (error) {
      return refuse(pointer, reasonOf(error));
    }
  }
  return { field, operator, values };
}

function readValue(field: Field, operator: FilterOperator, raw: string): CanonicalValue {
  if (raw === 'null') {
    if (!RANGES.includes(operator)) return null;
    throw new FicusError('value_invalid', 'null has no order; compare with eq, ne or in');
  }
  if (OPAQUE.includes(field.type.kind))
    throw new FicusError(
      'value_invalid',
      `a field of type ${field.type.kind} can only be compared with null`,
    );
  const text = raw.replaceAll(/\\(.)/gs, '$1');
  switch (field.type.kind) {
    case 'boolean':
      return parseCanonical(field.type, text === 'true' ? true : text === 'false' ? false : text);
    case 'int':
      return parseCanonical(field.type, INTEGER.test(text) ? Number(text) : text);
    case 'double':
    case 'float':
      return parseCanonical(field.type, NUMBER.test(text) ? Number(text) : text);
    default:
      return parseCanonical(field.type, text);
  }
}

function printValue(value: CanonicalValue, operator: FilterOperator): string {
  if (value === null) return 'null';
  if (value === 'null') return '\\null';
  return String(value).replaceAll(operator === 'in' ? /[\\,]/g : /\\/g, '\\$&');
}

/** Cuts at commas that no backslash precedes; the words keep their backslashes. */
function splitWords(text: string): readonly string[] {
  const words: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === ',') {
      words.push(text.slice(start, at));
      start = at + 1;
    }
  }
  return [...words, text.slice(start)];
}

function pathsOf(plan: Plan, may: (field: Field) => boolean): string {
  return plan.root.fields
    .filter(may)
    .map((field) => field.path)
    .join(', ');
}
