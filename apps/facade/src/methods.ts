import type { Mode } from '#core/plan';

/** What stands at an address of the API. */
export type Place = { readonly kind: 'collection' | 'document'; readonly unit: string };

/** The place of a path, or null when it is none of the API's resources. */
export function placeOf(path: string): Place | null {
  const [, unit, key] = /^\/v1\/([^/]+)(?:\/([^/]+))?$/.exec(path) ?? [];
  if (unit === undefined) return null;
  return { kind: key === undefined ? 'collection' : 'document', unit };
}

/** The value of the header Allow (RFC 9110, 10.2.1). */
export function allowOf(kind: Place['kind'], mode: Mode): string {
  const reads = ['GET', 'HEAD', 'OPTIONS'];
  if (mode === 'R') return reads.join(', ');
  return [...reads, ...(kind === 'collection' ? ['POST'] : ['PUT', 'PATCH', 'DELETE'])].join(', ');
}
