import pg from 'pg';
import { endsSession, legacyError, unknownOutcome } from './errors.ts';
import { type Row, type Statement, statement } from './statement.ts';

const STATEMENT_MS = 30_000;
/** Waiting for a lock longer than this is given back to the client, which may come again. */
const LOCK_MS = 5_000;
const IDLE_IN_TRANSACTION_MS = 10_000;
const CONNECT_MS = 5_000;
/** A server that does not answer at all is given up a little after it should have given up the statement itself. */
const SILENCE_MS = STATEMENT_MS + 5_000;
const MAX_CONNECTIONS = 10;

/** What makes the text of a value the one that core's `parseText` reads, whatever role or database say. */
const SETTINGS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO',
  IntervalStyle: 'iso_8601',
  extra_float_digits: '1',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  default_transaction_isolation: 'read\\ committed',
} as const;

/** Runs statements in one transaction. */
export interface Session {
  rows(statement: Statement): Promise<readonly Row[]>;
  /** Statements without parameters, sent together. */
  script(text: string): Promise<readonly (readonly Row[])[]>;
}

/**
 * A pool of connections to one system. It opens none before the first statement, and replaces those that broke; every
 * failure is a FicusError (see `legacyError`).
 */
export class Connections {
  readonly #system: string;
  readonly #pool: pg.Pool;

  /** @param idleMs after which a connection that is not used is closed. */
  constructor(system: string, url: string, idleMs = 30_000) {
    this.#system = system;
    this.#pool = new pg.Pool({
      ...address(url),
      application_name: 'ficus',
      max: MAX_CONNECTIONS,
      connectionTimeoutMillis: CONNECT_MS,
      idleTimeoutMillis: idleMs,
      keepAlive: true,
      statement_timeout: STATEMENT_MS,
      lock_timeout: LOCK_MS,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS,
      query_timeout: SILENCE_MS,
      types: { getTypeParser: () => (text: unknown) => text },
    });
    // A connection that breaks fails the statement on it, or is replaced: nobody else needs to hear of it.
    this.#pool.on('error', () => {});
    this.#pool.on('connect', (client) => client.on('error', () => {}));
  }

  /** One statement, which is its own transaction. */
  async rows(one: Statement): Promise<readonly Row[]> {
    const client = await this.#connect();
    let reusable = false;
    try {
      const rows = await query(client, one);
      reusable = true;
      return rows;
    } catch (error) {
      reusable = !endsSession(error);
      throw legacyError(this.#system, error);
    } finally {
      client.release(!reusable);
    }
  }

  /**
   * Runs the work in one transaction and commits it; rolls back when the work throws.
   * @param options.statementMs how long each statement may take instead of the usual 30 s.
   */
  async transaction<T>(
    work: (session: Session) => Promise<T>,
    options: { readonly statementMs?: number } = {},
  ): Promise<T> {
    const client = await this.#connect();
    let reusable = false;
    try {
      const result = await this.#begun(client, work, options.statementMs);
      reusable = await this.#commit(client);
      return result;
    } catch (error) {
      reusable = !endsSession(error) && (await rolledBack(client));
      throw error;
    } finally {
      client.release(!reusable);
    }
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  async #connect(): Promise<pg.PoolClient> {
    try {
      return await this.#pool.connect();
    } catch (error) {
      throw legacyError(this.#system, error);
    }
  }

  async #begun<T>(
    client: pg.PoolClient,
    work: (session: Session) => Promise<T>,
    statementMs: number | undefined,
  ): Promise<T> {
    const silence = statementMs === undefined ? undefined : statementMs + 5_000;
    const guarded = async <R>(call: () => Promise<R>): Promise<R> => {
      try {
        return await call();
      } catch (error) {
        throw legacyError(this.#system, error);
      }
    };
    const limit = statementMs === undefined ? '' : `; SET LOCAL statement_timeout = ${statementMs}`;
    await guarded(() => client.query(`BEGIN${limit}`));
    return await work({
      rows: (one) => guarded(() => query(client, one, silence)),
      script: (text) => guarded(() => script(client, text)),
    });
  }

  /** Nothing is known about a COMMIT that was sent and not answered. */
  async #commit(client: pg.PoolClient): Promise<boolean> {
    let command: string;
    try {
      command = (await client.query('COMMIT')).command;
    } catch (error) {
      throw endsSession(error) ? unknownOutcome(this.#system, error) : legacyError(this.#system, error);
    }
    if (command !== 'COMMIT')
      throw legacyError(this.#system, new Error(`the server answered ${command} to COMMIT`));
    return true;
  }
}

async function query(client: pg.PoolClient, one: Statement, silence?: number): Promise<readonly Row[]> {
  const result = await client.query({
    text: one.text,
    values: [...one.values],
    rowMode: 'array',
    ...(silence === undefined ? {} : { query_timeout: silence }),
  });
  return result.rows as unknown as readonly Row[];
}

async function script(client: pg.PoolClient, text: string): Promise<readonly (readonly Row[])[]> {
  const results: unknown = await client.query({ text, rowMode: 'array' });
  const list = (Array.isArray(results) ? results : [results]) as readonly { rows: readonly Row[] }[];
  return list.map((result) => result.rows);
}

async function rolledBack(client: pg.PoolClient): Promise<boolean> {
  try {
    await query(client, statement('ROLLBACK'));
    return true;
  } catch {
    return false;
  }
}

/** Start-up options in the address are kept, but those that Ficus's reading depends on come last. */
function address(url: string): { connectionString: string; options: string } {
  const given = /[?&]options=([^&]*)/.exec(url)?.[1];
  const own = Object.entries(SETTINGS).map(([name, value]) => `-c ${name}=${value}`);
  return {
    connectionString: url.replace(/([?&])options=[^&]*&?/, '$1'),
    options: [...(given === undefined ? [] : [decodeURIComponent(given)]), ...own].join(' '),
  };
}
