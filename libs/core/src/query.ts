import type { CanonicalDocument } from './document.ts';
import type { CanonicalValue } from './field-type.ts';
import type { Field } from './plan.ts';

export const FILTER_OPERATORS = ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'in'] as const;
export type FilterOperator = (typeof FILTER_OPERATORS)[number];

/**
 * One condition on a root field. `values` has one element but for `in`. Comparisons with null: `eq`/`ne`/`in` may
 * hold null and mean IS [NOT] NULL; `ne x` keeps rows whose field is null; gt/gte/lt/lte never match a null field.
 */
export interface Filter {
  readonly field: Field;
  readonly operator: FilterOperator;
  readonly values: readonly CanonicalValue[];
}

/** Ascending puts nulls first, descending puts them last; strings by code point, in every store. */
export interface SortTerm {
  readonly field: Field;
  readonly descending: boolean;
}

export interface ListQuery {
  readonly filters: readonly Filter[];
  /** Ends with the key fields, so that the order is total. */
  readonly sort: readonly SortTerm[];
  readonly limit: number;
  /** Keyset: the sort values of the last document already seen, one a sort term; null: from the start. */
  readonly after: readonly CanonicalValue[] | null;
}

/** At most `limit` documents; `more` tells whether another page follows. */
export interface Page {
  readonly documents: readonly CanonicalDocument[];
  readonly more: boolean;
}
