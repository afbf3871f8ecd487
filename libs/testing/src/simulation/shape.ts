import type { RowChange, StoredDocument, StoredRow } from '#core/apply';
import type { Content } from '#core/field-type';
import { keyText } from '#core/key';
import type { Evidence } from '#core/version';

/** A row of a document: its own (0), or a child's. */
export interface Place {
  readonly key: number;
  readonly part: number;
}

/** The rows that a document may have. */
export const PARTS = [0, 1] as const;
const EMBED = 'rows';

/** A row: which operations have made it what it is, in their order, so that one that is lost or doubled shows. */
export interface Row {
  readonly made: string;
}

/** What a client asks for. */
export interface Operation extends Place {
  /** Its Idempotency-Key, the same when it is asked for again. */
  readonly id: string;
  readonly kind: 'put' | 'delete';
}

/** What an operation does to a row; null: there is none. */
export function after(row: Row | null, { id, kind }: Operation): Row | null {
  if (kind === 'delete') return null;
  return { made: row === null ? id : `${row.made} ${id}` };
}

export function nameOf({ key, part }: Place): string {
  return `${key}/${part}`;
}

/** A digest need only tell contents apart. */
export function digest(text: string): string {
  return text;
}

export function digestOf(row: Row | null): string | null {
  return row === null ? null : digest(row.made);
}

/** What is stored of a row; null: nothing yet. */
export function stateOf({ root, embeds }: StoredDocument, { part }: Place): StoredRow | null {
  return part === 0 ? root : (embeds[EMBED]?.[keyText([part])] ?? null);
}

/** What somebody makes of a row by hand. */
export const BY_HAND = 'by-hand';
export const EDITED = { content: { made: BY_HAND }, digest: null };

export function withRow(document: StoredDocument, { part }: Place, row: StoredRow): StoredDocument {
  const revision = (document.revision ?? 0) + 1;
  if (part === 0) return { ...document, revision, root: row };
  const rows = { ...document.embeds[EMBED], [keyText([part])]: row };
  return { ...document, revision, embeds: { ...document.embeds, [EMBED]: rows } };
}

/** The row as readers see it; null: there is none. */
export function rowOf(document: StoredDocument, place: Place): Row | null {
  const state = stateOf(document, place);
  return state?.live === true ? { made: String(state.content['made']) } : null;
}

/** The row's state as a change of its document. */
export function changeTo(place: Place, row: Row | null, evidence: Evidence): RowChange {
  const { key, part } = place;
  const own = { id: key, part };
  const embed = part === 0 ? null : { path: EMBED, childKey: [part] };
  const content: Content = row === null ? own : { ...own, made: row.made };
  return {
    ...{ key: [key], embed, evidence, committedAt: null },
    effect:
      row === null
        ? { kind: 'delete', content, tiesWin: false }
        : { kind: 'upsert', content, unavailable: [], unmapped: {} },
  };
}

/** A commit of an operation, in either store, as only somebody who sees everything can know it. */
export interface Committed {
  readonly operation: Operation;
  readonly store: 'legacy' | 'mongodb';
  readonly before: Row | null;
  readonly after: Row | null;
}
