import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { addressOf } from './address.ts';

/** A database of the test's own on the server that TEST_POSTGRES_URL names (a superuser's address). */
export interface ScratchDatabase {
  readonly url: string;
  /** Runs SQL as the superuser, several statements when there are no parameters. */
  sql(text: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  /** Takes it away with everything that is connected to it. */
  drop(): Promise<void>;
}

/** @param options follows the name in CREATE DATABASE, e.g. a locale. */
export async function scratchDatabase(options = ''): Promise<ScratchDatabase> {
  const server = addressOf('TEST_POSTGRES_URL');
  const name = `scratch_${randomBytes(6).toString('hex')}`;
  await once(server, `CREATE DATABASE ${name} ${options}`);
  const address = new URL(server);
  address.pathname = `/${name}`;
  const url = address.href;
  return {
    url,
    sql: (text, values) => once(url, text, values),
    drop: async () => {
      await once(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function once(
  url: string,
  text: string,
  values?: readonly unknown[],
): Promise<readonly Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    const result = await client.query<Record<string, unknown>>(
      text,
      values === undefined ? undefined : [...values],
    );
    return result.rows;
  } finally {
    await client.end();
  }
}
