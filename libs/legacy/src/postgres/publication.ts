import { FicusError } from '#core/errors';
import { Connections, type Session } from './connections.ts';
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
        statement(
          'SELECT pubviaroot::text, (pubinsert AND pubupdate AND pubdelete)::text FROM pg_publication WHERE pubname = $1',
          [publication],
        ),
      );
      if (known?.[1] === 'false') refusePartial(publication);
      await refuseFiltered(session, publication, tables);
      const rows = await session.rows(
        statement(
          `SELECT schemaname || '.' || tablename AS name FROM pg_publication_tables WHERE pubname = $1`,
          [publication],
        ),
      );
      const published = new Set(rows.map(([table]) => table));
      const missing = [...new Set(tables)].filter((table) => !published.has(table)).map(tableName);
      if (missing.length === 0) return;
      if (known?.[0] === 'false') await refusePartitioned(session, publication, tables);
      const change =
        known === undefined ? `CREATE PUBLICATION ${name} FOR TABLE` : `ALTER PUBLICATION ${name} ADD TABLE`;
      const options = known === undefined ? ' WITH (publish_via_partition_root = true)' : '';
      await session.rows(statement(`${change} ${missing.join(', ')}${options}`));
    });
  } finally {
    await connections.close();
  }
}

function refusePartial(publication: string): never {
  throw new FicusError(
    'plan_invalid',
    `publication ${publication} leaves out inserts, updates or deletes, which MongoDB would then never hear of; ` +
      `ALTER PUBLICATION ${identifier(publication)} SET (publish = 'insert, update, delete, truncate')`,
  );
}

/** A row filter or a list of columns (since version 15) would have rows or values missing. */
async function refuseFiltered(
  session: Session,
  publication: string,
  tables: readonly string[],
): Promise<void> {
  const rows = await session.rows(
    statement(
      `SELECT n.nspname || '.' || c.relname FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
       JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE p.pubname = $1 AND n.nspname || '.' || c.relname = ANY ($2::text[])
         AND (to_jsonb(r) ->> 'prqual' IS NOT NULL OR to_jsonb(r) ->> 'prattrs' IS NOT NULL) ORDER BY 1`,
      [publication, tables],
    ),
  );
  if (rows.length === 0) return;
  throw new FicusError(
    'plan_invalid',
    `publication ${publication} sends only some rows or columns of ${rows.map(([name]) => name).join(', ')}; ` +
      'ALTER PUBLICATION … DROP TABLE, and it is added whole',
  );
}

/** A publication that somebody made without the option sends a partitioned table's changes under its leaves' names. */
async function refusePartitioned(
  session: Session,
  publication: string,
  tables: readonly string[],
): Promise<void> {
  const rows = await session.rows(
    statement(
      `SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
       WHERE c.relkind = 'p' AND n.nspname || '.' || c.relname = ANY ($1::text[])`,
      [tables],
    ),
  );
  if (rows.length === 0) return;
  throw new FicusError(
    'plan_invalid',
    `publication ${publication} sends the changes of the partitioned ${rows.map(([name]) => name).join(', ')} under the ` +
      `names of the partitions; ALTER PUBLICATION ${identifier(publication)} SET (publish_via_partition_root = true)`,
  );
}
