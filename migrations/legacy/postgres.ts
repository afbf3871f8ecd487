import { Connections } from '#legacy/postgres/connections';
import { identifier, statement } from '#legacy/postgres/statement';
import { missingFiles } from './files.ts';

/** Two runners at once: the second waits for this advisory lock and then finds nothing left to do. */
const LOCK = 4_674_375;

/** What an account needs on the control tables: to beat, to order snapshots, and to mark their windows. */
const GRANTS = [
  'USAGE ON SCHEMA ficus',
  'SELECT, INSERT, UPDATE ON ficus.heartbeat',
  'SELECT, INSERT, UPDATE, DELETE ON ficus.signal',
];

/**
 * Runs what is missing and grants the accounts their rights, all in one transaction.
 * @param adminUrl address of an account that may create a schema.
 */
export async function migratePostgres(
  name: string,
  adminUrl: string,
  accounts: readonly string[],
): Promise<readonly string[]> {
  const connections = new Connections(name, adminUrl);
  try {
    return await connections.transaction(async (session) => {
      await session.rows(statement('SELECT pg_advisory_xact_lock($1::bigint)::text', [String(LOCK)]));
      await session.script(
        'CREATE SCHEMA IF NOT EXISTS ficus; CREATE TABLE IF NOT EXISTS ficus.migration ' +
          '(name text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())',
      );
      const known = await session.rows(statement('SELECT name FROM ficus.migration'));
      const missing = missingFiles('postgres', new Set(known.map(([file]) => file ?? '')));
      for (const file of missing) {
        for (const text of file.statements) await session.script(text);
        await session.rows(statement('INSERT INTO ficus.migration (name) VALUES ($1)', [file.name]));
      }
      for (const account of new Set(accounts))
        for (const grant of GRANTS) await session.script(`GRANT ${grant} TO ${identifier(account)}`);
      return missing.map((file) => file.name);
    });
  } finally {
    await connections.close();
  }
}
