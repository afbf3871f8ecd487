import type { StoredDocument } from '../apply.ts';
import type { CanonicalDocument, DocumentKey } from '../document.ts';
import type { Plan } from '../plan.ts';
import type { ListQuery, Page } from '../query.ts';

/** A document to write, and the revision of it that the decision was made on (null: it did not exist). */
export interface DocumentWrite {
  readonly before: StoredDocument;
  readonly after: StoredDocument;
}

/** MongoDB, seen through the plans: tombstones and versions are never visible to `readOne` and `list`. */
export interface DocumentStore {
  /** States to decide on, one for each key, absent documents included (`revision: null`). */
  load(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly StoredDocument[]>;
  /**
   * Writes each document iff its stored revision is still the one in `before`; majority and journalled.
   * Answers the writes that lost that race, to be decided again on a fresh `load`.
   */
  save(plan: Plan, term: number, writes: readonly DocumentWrite[]): Promise<readonly DocumentWrite[]>;
  readOne(plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null>;
  readMany(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly CanonicalDocument[]>;
  list(plan: Plan, query: ListQuery): Promise<Page>;
  /** Live documents. */
  count(plan: Plan): Promise<number>;
}
