/** The JSON pointer (RFC 6901) of a member by the names and indices that lead to it; empty for the whole. */
export function pointerOf(path: readonly (string | number)[]): string {
  return path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}
