import { Connections } from './connections.ts';
import { identifier, statement, tableName } from './statement.ts';

export interface Account {
  readonly name: string;
  readonly privileges: readonly ('SELECT' | 'INSERT' | 'UPDATE' | 'DELETE')[];
}

/**
 * The statements that give an account what it lacks on these tables (`schema.table`), its way to them through their
 * schemas included. Asked as anybody: what an account may do is no secret.
 * @throws FicusError `plan_invalid` when there is no such account.
 */
export async function missingGrants(
  url: string,
  account: Account,
  tables: readonly string[],
): Promise<readonly string[]> {
  const connections = new Connections('grants', url);
  try {
    const { name, privileges } = account;
    const rows = await connections.rows(
      statement(
        `SELECT n.nspname, n.nspname || '.' || c.relname, has_schema_privilege($1, n.oid, 'USAGE')::text,
           (SELECT string_agg(p, ', ' ORDER BY place) FROM unnest($3::text[]) WITH ORDINALITY AS t(p, place)
            WHERE NOT has_table_privilege($1, c.oid, p))
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname || '.' || c.relname = ANY ($2::text[]) AND c.relkind IN ('r', 'p') ORDER BY 2`,
        [name, tables, privileges],
      ),
    );
    const grantee = identifier(name);
    const schemas = new Set(rows.flatMap(([schema, , usable]) => (usable === 'true' ? [] : [schema ?? ''])));
    return [
      ...[...schemas].map((schema) => `GRANT USAGE ON SCHEMA ${identifier(schema)} TO ${grantee}`),
      ...rows.flatMap(([, table, , lacks]) =>
        lacks ? [`GRANT ${lacks} ON ${tableName(table ?? '')} TO ${grantee}`] : [],
      ),
    ];
  } finally {
    await connections.close();
  }
}
