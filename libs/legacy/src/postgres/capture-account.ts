import { Connections } from './connections.ts';
import { identifier, statement } from './statement.ts';

/** Settings by which PostgreSQL prints values otherwise than Debezium reads them, with what they must be. */
const STYLES: readonly { readonly name: string; readonly legal: RegExp; readonly set: string }[] = [
  { name: 'IntervalStyle', legal: /^postgres$/i, set: 'postgres' },
  { name: 'bytea_output', legal: /^hex$/i, set: 'hex' },
  { name: 'extra_float_digits', legal: /^[123]$/, set: '1' },
];

/** A role's own in this database comes before its others, and these before the database's. */
const SET = `
SELECT DISTINCT ON (lower(split_part(s.setting, '=', 1)))
  lower(split_part(s.setting, '=', 1)), substr(s.setting, strpos(s.setting, '=') + 1), current_database()
FROM pg_catalog.pg_db_role_setting d CROSS JOIN LATERAL unnest(d.setconfig) AS s (setting)
WHERE d.setdatabase IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database()))
  AND d.setrole IN (0, (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1))
ORDER BY 1, (d.setdatabase <> 0 AND d.setrole <> 0) DESC, (d.setrole <> 0) DESC, (d.setdatabase <> 0) DESC`;

const HIDDEN = `
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles r ON r.rolname = $1
WHERE n.nspname || '.' || c.relname = ANY ($2::text[]) AND c.relrowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
  AND (c.relforcerowsecurity OR NOT pg_catalog.pg_has_role(r.oid, c.relowner, 'USAGE'))
ORDER BY 1`;

/**
 * What of the connector's account would change or hide rows in silence, one sentence each, with what to do about it: a
 * setting of the role or the database that has values printed otherwise, which Debezium 3.3.1 misreads in the stream; row
 * security, which the log does not know and a snapshot does. What `postgresql.conf` says is not seen.
 * @param tables `schema.table`
 */
export async function captureFaults(
  url: string,
  account: string,
  tables: readonly string[],
): Promise<readonly string[]> {
  const connections = new Connections('capture-account', url);
  try {
    const found = await connections.rows(statement(SET, [account]));
    const hidden = await connections.rows(statement(HIDDEN, [account, tables]));
    const faults: string[] = [];
    for (const [name, value = '', database = ''] of found) {
      const style = STYLES.find((one) => one.name.toLowerCase() === name);
      if (style === undefined || style.legal.test(value ?? '')) continue;
      faults.push(
        `${account} has ${style.name} ${value}, by which Debezium would misread values of the log; ` +
          `ALTER ROLE ${identifier(account)} IN DATABASE ${identifier(database ?? '')} SET ${style.name} = ${style.set}`,
      );
    }
    for (const [table] of hidden)
      faults.push(
        `row security may hide rows of ${table} from ${account}, and so from the snapshot; ` +
          `ALTER ROLE ${identifier(account)} BYPASSRLS`,
      );
    return faults;
  } finally {
    await connections.close();
  }
}
