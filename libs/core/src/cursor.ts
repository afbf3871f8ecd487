import type { CanonicalDocument } from './document.ts';
import { FicusError } from './errors.ts';
import type { CanonicalValue } from './field-type.ts';
import type { SortTerm } from './query.ts';
import { printSort } from './query-parse.ts';
import { parseCanonical } from './value.ts';

/**
 * A keyset cursor: the sort values of the last document of a page, so that a page costs the same wherever it lies and
 * no document is skipped or repeated when others come and go. As text it is base64url of a JSON array, and opaque to
 * clients; it is no secret, since a forged one is only another place in the same list. The filters are not part of it:
 * the place is one in the order, whichever documents are let through.
 */
export interface Cursor {
  /** The store that answered the page. */
  readonly store: 'legacy' | 'mongodb';
  /** One value a sort term. */
  readonly values: readonly CanonicalValue[];
}

/** What a cursor belongs to: it is refused in a list of another unit or another order. */
export interface CursorScope {
  readonly unit: string;
  readonly sort: readonly SortTerm[];
}

const VERSION = 1;

export function cursorAfter(
  document: CanonicalDocument,
  store: Cursor['store'],
  sort: readonly SortTerm[],
): Cursor {
  return { store, values: sort.map((term) => document.root[term.field.path] ?? null) };
}

export function printCursor(cursor: Cursor, scope: CursorScope): string {
  const parts = [VERSION, cursor.store, scope.unit, printSort(scope.sort), ...cursor.values];
  return toBase64Url(JSON.stringify(parts));
}

/** @throws FicusError `cursor_invalid` saying what does not belong. */
export function parseCursor(text: string, scope: CursorScope): Cursor {
  const parts = read(text);
  const [version, store, unit, sort, ...values] = parts;
  if (version !== VERSION || (store !== 'legacy' && store !== 'mongodb'))
    refuse('it was not made by this version of the API');
  if (unit !== scope.unit) refuse(`it is of unit ${String(unit)}, not of ${scope.unit}`);
  const asked = printSort(scope.sort);
  if (sort !== asked)
    refuse(
      `it goes on in the order "${String(sort)}", and the request asks for "${asked}"; keep the sort parameter`,
    );
  if (values.length !== scope.sort.length)
    refuse(`it holds ${values.length} values for ${scope.sort.length} sort terms`);
  return {
    store: store === 'legacy' ? 'legacy' : 'mongodb',
    values: scope.sort.map((term, index) => readValue(term, values[index])),
  };
}

function readValue(term: SortTerm, value: unknown): CanonicalValue {
  try {
    return parseCanonical(term.field.type, value);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return refuse(`${term.field.path}: ${reason}`, cause);
  }
}

function read(text: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(fromBase64Url(text));
    if (Array.isArray(parts)) return parts;
  } catch {
    // Falls through: whatever it is, this API did not make it.
  }
  return refuse('it is damaged; take the value of "next" as it stands');
}

function refuse(because: string, cause?: unknown): never {
  const faults = [{ pointer: '/cursor', message: because }];
  throw new FicusError('cursor_invalid', `cursor: ${because}`, { cause, faults });
}

function toBase64Url(text: string): string {
  let bytes = '';
  for (const byte of new TextEncoder().encode(text)) bytes += String.fromCharCode(byte);
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

function fromBase64Url(text: string): string {
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return new TextDecoder('utf-8', { fatal: true }).decode(
    Uint8Array.from(bytes, (char) => char.charCodeAt(0)),
  );
}
