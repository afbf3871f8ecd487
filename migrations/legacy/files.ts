import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** One numbered file of SQL; its name is what is recorded, so neither name nor text ever changes once it has run. */
export interface MigrationFile {
  readonly name: string;
  readonly statements: readonly string[];
}

/** The files of one kind of database that have not run yet, in order. */
export function missingFiles(kind: 'postgres' | 'db2', known: ReadonlySet<string>): readonly MigrationFile[] {
  const folder = join(import.meta.dirname, kind);
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql') && !known.has(name))
    .sort()
    .map((name) => ({ name, statements: statementsOf(readFileSync(join(folder, name), 'utf8')) }));
}

/** A statement ends with a semicolon at the end of a line; comments stand on lines of their own. */
export function statementsOf(text: string): readonly string[] {
  return text
    .replaceAll(/^\s*--.*$/gm, '')
    .split(/;\s*$/m)
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
