import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

/** The secret kept in a file: made at the first start, read again when the same data folder is used later. */
export async function savedSecret(path: string): Promise<string> {
  const saved = await readFile(path, 'utf8').catch(() => undefined);
  if (saved !== undefined) return saved;
  // Letters and digits only: it stands in URLs and configuration files without escaping.
  const secret = randomBytes(24).toString('hex');
  await writeFile(path, secret, { mode: 0o600 });
  return secret;
}
