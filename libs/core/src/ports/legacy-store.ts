import type { CanonicalDocument, DocumentKey } from '../document.ts';
import type { Content } from '../field-type.ts';
import type { Plan } from '../plan.ts';
import type { ListQuery, Page } from '../query.ts';
import type { Position } from '../version.ts';

/** A write as the API takes it. `embeds` lists only the embedded arrays that the client sent, each whole. */
export type WriteCommand =
  | { readonly kind: 'insert'; readonly document: CanonicalDocument }
  | { readonly kind: 'replace'; readonly key: DocumentKey; readonly document: CanonicalDocument }
  | {
      readonly kind: 'patch';
      readonly key: DocumentKey;
      readonly root: Content;
      readonly embeds: Readonly<Record<string, readonly Content[]>>;
    }
  | { readonly kind: 'delete'; readonly key: DocumentKey };

/**
 * `done`: committed. `document` is the row as it now is, read back in the same transaction (null after a delete);
 * `position` is the write's position (DESIGN.md section 5, `w`), null where the store has none.
 * `missing`: no row with that key. An insert of an existing key throws `document_exists`, a constraint of the
 * database `legacy_constraint` (the message names the constraint), a lost connection `legacy_unavailable`.
 */
export type WriteResult =
  | { readonly kind: 'done'; readonly document: CanonicalDocument | null; readonly position: Position | null }
  | { readonly kind: 'missing' };

export interface LegacyColumn {
  /** `schema.table` */
  readonly table: string;
  readonly column: string;
}

/** What the log has of some tables (`schema.table`) otherwise than of most. */
export interface LogTraits {
  /** Columns that events cannot carry and the connector must not ask for. */
  readonly notInLog: readonly LegacyColumn[];
  /** Tables without a primary key: the connector has to be told by what their rows are told apart. */
  readonly keyless: readonly string[];
}

/** A row's state as the store itself marks it (`xmin` on PostgreSQL), to see whether it changed between two reads. */
export interface MarkedDocument {
  readonly document: CanonicalDocument;
  readonly mark: string;
}

/**
 * One legacy database, seen through the plans. Documents are whole (embedded rows included) and read in one
 * snapshot; values are exact; strings sort by code point. Every method throws `legacy_unavailable` (retryable)
 * when the server cannot be reached.
 */
export interface LegacyStore {
  readonly system: string;
  readOne(plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null>;
  /** The documents with these keys, absent ones left out, with their marks. */
  readMarked(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly MarkedDocument[]>;
  list(plan: Plan, query: ListQuery): Promise<Page>;
  write(plan: Plan, command: WriteCommand): Promise<WriteResult>;
  /** Exact number of root rows. */
  count(plan: Plan): Promise<number>;
  /**
   * The log's position now: everything committed before the call lies at or below it. Writes the heartbeat row
   * afterwards, so that the connector has something past it to commit.
   */
  mark(): Promise<Position>;
  /** Has the forward connector's committed source offset reached `position`? */
  captured(position: Position): Promise<boolean>;
  logTraits(tables: readonly string[]): Promise<LogTraits>;
  /** Rows of one table (`schema.table`), for progress; null when counting took longer than a few seconds. */
  countRows(table: string): Promise<number | null>;
  /** Orders an incremental snapshot of these tables by a row in Ficus's signal table; `id` names the signal. */
  signalSnapshot(id: string, tables: readonly string[]): Promise<void>;
  /** Milliseconds since the epoch by the source's own clock. */
  now(): Promise<number>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
