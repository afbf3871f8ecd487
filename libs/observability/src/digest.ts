import { createHmac } from 'node:crypto';
import type { Digest } from '#core/apply';

/** HMAC-SHA-256 of a canonical text, base64url, 22 characters (132 bits): a digest reveals nothing without the key. */
export function keyedDigest(key: string): Digest {
  return (text) => createHmac('sha256', key).update(text, 'utf8').digest('base64url').slice(0, 22);
}
