import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { FicusError, reasonOf } from '#core/errors';

/** The part of a systems.yaml entry that the migrations need. */
export type MigratedSystem =
  | {
      readonly kind: 'postgres';
      readonly url: string;
      readonly adminUrl?: string | undefined;
      readonly capture: { readonly database: { readonly user: string } };
    }
  | { readonly kind: 'db2'; readonly url: string };

const FOLDER = join(import.meta.dirname, 'postgres');
/** Two runners at once: the second waits for this advisory lock and then finds nothing left to do. */
const LOCK = 4_674_375;

/**
 * Brings Ficus's control tables in a legacy database up to date and grants the accounts of systems.yaml what they
 * need on them. Idempotent. @returns names of the migrations that this call ran.
 */
export async function migrateLegacy(name: string, system: MigratedSystem): Promise<readonly string[]> {
  if (system.kind !== 'postgres')
    throw new FicusError(
      'setting_invalid',
      `system ${name} is of kind ${system.kind}, which is not built yet`,
    );
  const client = new pg.Client({ connectionString: system.adminUrl ?? system.url });
  try {
    await client.connect();
    await client.query('SELECT pg_advisory_lock($1)', [LOCK]);
    await client.query('CREATE SCHEMA IF NOT EXISTS ficus');
    await client.query(
      'CREATE TABLE IF NOT EXISTS ficus.migration (name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())',
    );
    const done = await runMissing(client);
    await grant(client, [accountOf(system.url), system.capture.database.user]);
    return done;
  } catch (cause) {
    throw new FicusError('legacy_unavailable', `${name}: ${reasonOf(cause)}`, { cause });
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function runMissing(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>('SELECT name FROM ficus.migration');
  const known = new Set(rows.map((row) => row.name));
  const missing = readdirSync(FOLDER)
    .filter((file) => file.endsWith('.sql') && !known.has(file))
    .sort();
  for (const file of missing) {
    await client.query('BEGIN');
    await client.query(readFileSync(join(FOLDER, file), 'utf8'));
    await client.query('INSERT INTO ficus.migration (name) VALUES ($1)', [file]);
    await client.query('COMMIT');
  }
  return missing;
}

/** The connector beats and marks its snapshots' windows; Ficus beats and orders snapshots. */
async function grant(client: pg.Client, accounts: readonly string[]): Promise<void> {
  for (const account of new Set(accounts)) {
    const role = client.escapeIdentifier(account);
    await client.query(`GRANT USAGE ON SCHEMA ficus TO ${role}`);
    await client.query(`GRANT SELECT, UPDATE ON ficus.heartbeat TO ${role}`);
    await client.query(`GRANT SELECT, INSERT, UPDATE, DELETE ON ficus.signal TO ${role}`);
  }
}

function accountOf(url: string): string {
  return decodeURIComponent(new URL(url).username);
}
