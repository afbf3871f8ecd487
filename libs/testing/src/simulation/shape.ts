import type { RowChange } from '#core/apply';
import type { Content } from '#core/field-type';
import type { Evidence } from '#core/version';

/** A row: which operations have made it what it is, in their order, so that one that is lost or doubled shows. */
export interface Row {
  readonly id: number;
  readonly made: string;
}

/** What a client asks for. */
export interface Operation {
  /** Its Idempotency-Key, the same when it is asked for again. */
  readonly id: string;
  readonly key: number;
  readonly kind: 'put' | 'delete';
}

/** What an operation does to a row; null: there is none. */
export function after(row: Row | null, { id, key, kind }: Operation): Row | null {
  if (kind === 'delete') return null;
  return { id: key, made: row === null ? id : `${row.made} ${id}` };
}

export function contentOf({ id, made }: Row): Content {
  return { id, made };
}

export function rowOf(content: Content): Row {
  return { id: Number(content['id']), made: String(content['made']) };
}

/** A digest need only tell contents apart. */
export function digest(text: string): string {
  return text;
}

export function digestOf(row: Row | null): string | null {
  return row === null ? null : digest(JSON.stringify(contentOf(row)));
}

/** The row's state as a change of its document. */
export function changeTo(key: number, row: Row | null, evidence: Evidence): RowChange {
  const place = { key: [key], embed: null, evidence, committedAt: null };
  return row === null
    ? { ...place, effect: { kind: 'delete', content: { id: key }, tiesWin: false } }
    : { ...place, effect: { kind: 'upsert', content: contentOf(row), unavailable: [], unmapped: {} } };
}

/** A commit of a client's operation, in either store, as only somebody who sees everything can know it. */
export interface Committed {
  readonly operation: Operation;
  readonly store: 'legacy' | 'mongodb';
  readonly before: Row | null;
  readonly after: Row | null;
}
