import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';

/** Paths relative to the folder, with `/`, to lower-case SHA-256 in hex. */
export type Manifest = ReadonlyMap<string, string>;

/** Reads the format of `sha256sum`: 64 hex digits, two spaces, a path; one file a line. Throws naming the line. */
export function parseManifest(text: string, source: string): Manifest {
  const manifest = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const [, digest, path] = /^([0-9a-f]{64}) [ *](\S.*)$/.exec(line) ?? [];
    if (digest === undefined || path === undefined)
      throw new Error(`${source}:${index + 1}: '${line}' is not '<sha256>  <path>'`);
    if (manifest.has(path)) throw new Error(`${source}:${index + 1}: '${path}' is listed twice`);
    manifest.set(path, digest);
  }
  return manifest;
}

export function formatManifest(manifest: Manifest): string {
  const byPath = [...manifest].sort(([a], [b]) => (a < b ? -1 : 1));
  return byPath.map(([path, digest]) => `${digest}  ${path}\n`).join('');
}

/** What differs between what was pinned and what landed, one sentence a fault; empty when nothing does. */
export function compareManifests(pinned: Manifest, landed: Manifest): string[] {
  const faults: string[] = [];
  for (const [path, digest] of pinned) {
    const found = landed.get(path);
    if (found === undefined) faults.push(`${path} is pinned but did not land`);
    else if (found !== digest) faults.push(`${path} has sha256 ${found}, pinned is ${digest}`);
  }
  for (const path of landed.keys()) if (!pinned.has(path)) faults.push(`${path} landed but is not pinned`);
  return faults;
}

/** The digests of all files below a folder. */
export async function hashFolder(folder: string): Promise<Manifest> {
  const manifest = new Map<string, string>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    manifest.set(relative(folder, path).split(sep).join('/'), await hashFile(path));
  }
  return manifest;
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}
