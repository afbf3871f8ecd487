import { parse } from 'yaml';
import { type DraftRequest, renderDraft } from '#core/plan-draft';
import type { CatalogueColumn, CatalogueTable } from '#core/ports/catalogue';

/** A nullable column of that type, changed as the test needs it. */
export function column(name: string, type: string, given: Partial<CatalogueColumn> = {}): CatalogueColumn {
  const plain = {
    length: null,
    precision: null,
    scale: null,
    nullable: true,
    hasDefault: false,
    generated: null,
    inLog: true,
  };
  return { name, type, ...plain, ...given };
}

/** A table whose first column is its primary key, changed as the test needs it. */
export function table(
  name: string,
  columns: readonly CatalogueColumn[],
  given: Partial<CatalogueTable> = {},
): CatalogueTable {
  const [first] = columns;
  return {
    table: name,
    columns,
    primaryKey: first === undefined ? [] : [first.name],
    uniqueKeys: [],
    referencedBy: [],
    beforeImages: 'primary-key',
    partitions: null,
    traits: [],
    comment: null,
    ...given,
  };
}

/** A drafted plan as text and as YAML reads it. */
export function draft(
  root: CatalogueTable,
  given: Partial<DraftRequest> = {},
): { text: string; plan: DraftedPlan } {
  const request = {
    root,
    children: [],
    kind: 'postgres',
    system: 'shop',
    topicPrefix: 'shop',
    owner: 'team',
    unit: null,
  };
  const text = renderDraft({ ...request, ...given } as DraftRequest);
  return { text, plan: parse(text) as DraftedPlan };
}

export interface DraftedPlan {
  readonly [member: string]: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly ignore: readonly string[];
  readonly embed?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** The usual key. */
export const id = column('order_id', 'bigint', { nullable: false });
