import type { CanonicalDocument } from '#core/document';
import { renderDocument } from '#core/render';
import type { Fallback } from '#core/routing';
import type { Unit } from '#core/unit-state';
import { entityTag, isNoneOf } from './entity-tag.ts';
import type { StoreName } from './read-route.ts';

/** What goes back to the client. The body is text already: the same bytes whichever store answered. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

/** Who answered: shown in the headers Ficus-Phase, Ficus-Store and Ficus-Fallback. */
export interface Source {
  readonly unit: Unit;
  readonly store: StoreName;
  readonly fallback: Fallback | null;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export function sourceHeaders({ unit, store, fallback }: Source): Record<string, string> {
  const headers = { 'ficus-phase': unit.state.phase, 'ficus-store': store };
  return fallback === null ? headers : { ...headers, 'ficus-fallback': fallback };
}

/** One document with its entity tag; 304 without it when the client has it already. */
export function documentAnswer(
  source: Source,
  document: CanonicalDocument,
  given: {
    readonly status?: number;
    readonly location?: string;
    readonly ifNoneMatch?: string | undefined;
  } = {},
): Answer {
  const body = JSON.stringify(renderDocument(source.unit.plan, document));
  const etag = entityTag(body);
  const headers = { ...sourceHeaders(source), etag };
  if (!isNoneOf(given.ifNoneMatch, etag)) return { status: 304, headers, body: null };
  return {
    status: given.status ?? 200,
    headers: {
      ...headers,
      'content-type': JSON_TYPE,
      ...(given.location === undefined ? {} : { location: given.location }),
    },
    body,
  };
}

export function pageAnswer(
  source: Source,
  documents: readonly CanonicalDocument[],
  next: string | null,
): Answer {
  const items = documents.map((document) => renderDocument(source.unit.plan, document));
  return {
    status: 200,
    headers: { ...sourceHeaders(source), 'content-type': JSON_TYPE },
    body: JSON.stringify({ items, next }),
  };
}
