import pg from 'pg';
import type { BillingRows, Columns } from './billing-data.ts';
import { ACCOUNTS, BILLING, BILLING_GRANTS, BILLING_SCHEMA } from './billing-schema.ts';

/** The same server, another database and account. */
export function withDatabase(serverUrl: string, database: string, account?: keyof typeof ACCOUNTS): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  if (account !== undefined) {
    url.username = account;
    url.password = ACCOUNTS[account];
  }
  return url.toString();
}

/** Makes the billing database with its accounts, tables and rows. @param serverUrl superuser's address. */
export async function createBilling(
  serverUrl: string,
  rows: BillingRows,
  said: (text: string) => void,
): Promise<void> {
  await withClient(serverUrl, async (client) => {
    for (const [account, password] of Object.entries(ACCOUNTS)) {
      const replication = account === 'ficus_capture' ? 'REPLICATION' : 'NOREPLICATION';
      await client.query(`CREATE ROLE ${account} LOGIN ${replication} PASSWORD '${password}'`);
    }
    await client.query(`CREATE DATABASE ${BILLING}`);
  });
  await withClient(withDatabase(serverUrl, BILLING), async (client) => {
    await client.query(BILLING_SCHEMA);
    await client.query(BILLING_GRANTS);
    for (const [table, columns] of Object.entries(rows))
      said(`${table}: ${await load(client, table, columns as Columns)} rows`);
    await client.query('ANALYZE');
  });
}

/** Loads rows given as text columns; the server itself parses them into the columns' types. */
async function load(client: pg.Client, table: string, columns: Columns): Promise<number> {
  const names = Object.keys(columns);
  const types = await client.query<{ name: string; type: string }>(
    `SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0`,
    [table],
  );
  const typed = names.map(
    (name) => `${name}::${types.rows.find((row) => row.name === name)?.type ?? 'text'}`,
  );
  const arrays = names.map((_, index) => `$${index + 1}::text[]`);
  const { rowCount } = await client.query(
    `INSERT INTO ${table} (${names.join(', ')}) SELECT ${typed.join(', ')} FROM unnest(${arrays.join(', ')}) AS given (${names.join(', ')})`,
    names.map((name) => columns[name]),
  );
  return rowCount ?? 0;
}

export async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
