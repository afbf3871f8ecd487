import { Connections } from './connections.ts';
import { identifier, statement, tableName } from './statement.ts';

/**
 * Makes the publication, or adds to it the tables (`schema.table`) that it lacks; never takes one away. Idempotent,
 * and safe when two do it at once. A partitioned table is published as the one table that the plan names.
 * @param adminUrl address of an account that owns the tables. @throws FicusError naming what PostgreSQL refused.
 */
export async function ensurePublication(
  adminUrl: string,
  publication: string,
  tables: readonly string[],
): Promise<void> {
  const connections = new Connections('publication', adminUrl);
  const name = identifier(publication);
  try {
    await connections.transaction(async (session) => {
      await session.rows(statement('SELECT pg_advisory_xact_lock(hashtext($1))::text', [publication]));
      const [known] = await session.rows(
        statement('SELECT pubname FROM pg_publication WHERE pubname = $1', [publication]),
      );
      const rows = await session.rows(
        statement(
          `SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = $1`,
          [publication],
        ),
      );
      const published = new Set(rows.map(([table]) => table));
      const missing = [...new Set(tables)].filter((table) => !published.has(table)).map(tableName);
      if (missing.length === 0) return;
      const change =
        known === undefined ? `CREATE PUBLICATION ${name} FOR TABLE` : `ALTER PUBLICATION ${name} ADD TABLE`;
      const options = known === undefined ? ' WITH (publish_via_partition_root = true)' : '';
      await session.rows(statement(`${change} ${missing.join(', ')}${options}`));
    });
  } finally {
    await connections.close();
  }
}
