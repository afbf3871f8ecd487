/** Header by which a caller says who he is. Nobody checks it yet: sign-in comes with OIDC, until then it is a courtesy. */
export const ACTOR_HEADER = 'ficus-actor';

const MAX_LENGTH = 200;

export function actorOf(header: string | undefined): string {
  const name = header?.trim().slice(0, MAX_LENGTH) ?? '';
  return name === '' ? 'unknown' : name;
}
