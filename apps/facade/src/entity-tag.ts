import { createHash } from 'node:crypto';

/** A strong entity tag (RFC 9110, 8.8.3): SHA-256 of the document's bytes, base64url. The same from either store. */
export function entityTag(body: string): string {
  return `"${createHash('sha256').update(body, 'utf8').digest('base64url')}"`;
}

/** If-None-Match compares weakly; `*` means any document. */
export function isNoneOf(header: string | undefined, tag: string): boolean {
  if (header === undefined) return true;
  const tags = header.split(',').map((one) => one.trim().replace(/^W\//, ''));
  return !tags.includes('*') && !tags.includes(tag);
}
