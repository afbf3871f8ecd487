import type { StoredDocument } from '../apply.ts';
import type { CanonicalDocument, DocumentKey } from '../document.ts';
import type { Plan } from '../plan.ts';
import type { ListQuery, Page } from '../query.ts';

/** A document to write, and the revision of it that the decision was made on (null: it did not exist). */
export interface DocumentWrite {
  readonly before: StoredDocument;
  readonly after: StoredDocument;
}

/** What became of a batch of writes; a write that stands in neither list is durable. */
export interface SaveResult {
  /** Another writer came between: to be decided again on a fresh `load`. */
  readonly conflicts: readonly DocumentWrite[];
  /** MongoDB refused the document (the collection's validator, its size, an index of somebody else's), with the reason. */
  readonly rejected: readonly { readonly write: DocumentWrite; readonly reason: string }[];
}

/** A document to decide on. */
export interface Wanted {
  readonly key: DocumentKey;
  /**
   * Will the document do without its rows' content, which is then empty? Asked of what is stored, so read; absent: no,
   * whatever is stored.
   */
  readonly doesBare?: ((bare: StoredDocument) => boolean) | undefined;
  /** Taken for one that does not exist, and not looked for; should it be there, the batch is overtaken. */
  readonly isNew?: boolean;
}

/**
 * done: all is durable. overtaken: another writer came between; nothing is written. refused: MongoDB does not take one
 * of the documents; nothing is written, and `save` tells which.
 */
export type Exchanged = 'done' | 'overtaken' | 'refused';

/** MongoDB, seen through the plans: tombstones and versions are never visible to `readOne`, `readMany` and `list`. */
export interface DocumentStore {
  /** States to decide on, one for each key and in their order, absent documents included (`revision: null`). */
  load(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly StoredDocument[]>;
  /**
   * Writes each document iff its stored revision is still the one in `before`; majority and journalled.
   * @param term of the fence, stamped on every write.
   * @throws FicusError `mongo_unavailable` (retryable); some writes of the batch may then have happened, which the
   * next decision sees.
   */
  save(plan: Plan, term: number, writes: readonly DocumentWrite[]): Promise<SaveResult>;
  /**
   * Loads the documents, lets `decide` say what is to be written of them, and writes that, majority and journalled: as
   * one, so that nobody comes between. `decide` gets one state for each wanted key, in their order; what it says is
   * taken one by one, and not kept.
   * @throws FicusError as `save`; then all of it or nothing may have happened.
   */
  exchange(
    plan: Plan,
    term: number,
    wanted: readonly Wanted[],
    decide: (stored: readonly StoredDocument[]) => Iterable<DocumentWrite>,
  ): Promise<Exchanged>;
  /** Keys of at most so many documents, tombstones included, in an order of their own: those after this one. */
  keysAfter(plan: Plan, after: DocumentKey | null, most: number): Promise<readonly DocumentKey[]>;
  /** Keys of at most so many documents that must be read from the source (`needsSource`). */
  unsound(plan: Plan, most: number): Promise<readonly DocumentKey[]>;
  /** Must the document, or (null) any of them, be read from the source (`needsSource`)? */
  isUnsure(plan: Plan, key: DocumentKey | null): Promise<boolean>;
  readOne(plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null>;
  readMany(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly CanonicalDocument[]>;
  list(plan: Plan, query: ListQuery): Promise<Page>;
  /** Live documents. */
  count(plan: Plan): Promise<number>;
}
