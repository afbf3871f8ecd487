import { FicusError, reasonOf } from '#core/errors';
import { mapError } from './sqlstate.ts';

/** A row by column alias, as IBM's driver hands it over. Columns that are read as text are strings or null. */
export type Row = Readonly<Record<string, unknown>>;

/** Bound to a `?`. Always text: the statement says by a CAST what it is to become, so no number is ever rounded. */
export type Parameter = string | null;

/** One session with the database. Outside `transaction` each statement commits by itself. */
export interface Db2Session {
  query(sql: string, parameters?: readonly Parameter[]): Promise<readonly Row[]>;
  /** Answers the number of rows that were inserted, updated or deleted. */
  execute(sql: string, parameters?: readonly Parameter[]): Promise<number>;
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollback(): Promise<void>;
  close(): Promise<void>;
}

/** The part of the package `ibm_db` that Ficus uses. */
interface NativeResult {
  fetchAll(): Promise<readonly Row[]>;
  getAffectedRowsSync(): number;
  close(): Promise<unknown>;
}

/** What a session has below: it is there from the first attempt to open one. */
interface NativeConnection {
  endTransaction(rollback: boolean, done: (error: unknown) => void): void;
}

interface NativeDatabase {
  readonly odbc: {
    createConnection(done: (error: unknown, connection: NativeConnection) => void): void;
  };
  open(url: string): Promise<void>;
  queryResult(
    sql: string,
    parameters: readonly Parameter[],
  ): Promise<readonly [NativeResult | null, unknown]>;
  beginTransaction(): Promise<unknown>;
  commitTransaction(): Promise<unknown>;
  rollbackTransaction(): Promise<unknown>;
  close(): Promise<unknown>;
}

interface NativeModule {
  readonly Database: new (options: { readonly connectTimeout: number }) => NativeDatabase;
}

const PACKAGE = 'ibm_db';

let loaded: Promise<NativeModule> | null = null;

/**
 * The package is an optional dependency with a native add-on on IBM's CLI driver, so it is loaded when the first Db2
 * system is opened and nowhere else.
 */
function load(): Promise<NativeModule> {
  loaded ??= loadOnce();
  return loaded;
}

async function loadOnce(): Promise<NativeModule> {
  let found: NativeModule;
  try {
    found = ((await import(PACKAGE)) as { default: NativeModule }).default;
  } catch (cause) {
    throw new FicusError(
      'legacy_unavailable',
      `the Db2 driver (${PACKAGE}) cannot be loaded: ${reasonOf(cause)}; it must be compiled against IBM's clidriver, whose lib folders must stand in LD_LIBRARY_PATH before the process starts`,
      { cause },
    );
  }
  if (await tellsOfLostCommits(found)) return found;
  throw new FicusError(
    'legacy_unavailable',
    `the Db2 driver (${PACKAGE}) is compiled from its source as IBM has it, by which a COMMIT that fails counts as done, so it is not used; \`./ficus provision\` repairs and compiles it`,
  );
}

/** Where no connection is open there is nothing to commit. */
async function tellsOfLostCommits({ Database }: NativeModule): Promise<boolean> {
  const { odbc } = new Database({ connectTimeout: 1 });
  return await new Promise((resolve, reject) => {
    odbc.createConnection((failure, connection) => {
      if (failure !== null) reject(mapError(failure));
      else connection.endTransaction(false, (error) => resolve(error !== null));
    });
  });
}

/** One call at a time: the driver's own queue ends with a statement and not with its rows, nor does it close last. */
class IbmSession implements Db2Session {
  private readonly native: NativeDatabase;
  private last: Promise<unknown> = Promise.resolve();

  constructor(native: NativeDatabase) {
    this.native = native;
  }

  query(sql: string, parameters: readonly Parameter[] = []): Promise<readonly Row[]> {
    return this.run(sql, parameters, (result) => result?.fetchAll() ?? Promise.resolve([]));
  }

  execute(sql: string, parameters: readonly Parameter[] = []): Promise<number> {
    return this.run(sql, parameters, async (result) => result?.getAffectedRowsSync() ?? 0);
  }

  async begin(): Promise<void> {
    await this.inTurn(() => this.native.beginTransaction());
  }

  async commit(): Promise<void> {
    await this.inTurn(() => this.native.commitTransaction());
  }

  async rollback(): Promise<void> {
    await this.inTurn(() => this.native.rollbackTransaction());
  }

  async close(): Promise<void> {
    await this.inTurn(() => this.native.close());
  }

  private run<T>(
    sql: string,
    parameters: readonly Parameter[],
    take: (result: NativeResult | null) => Promise<T>,
  ): Promise<T> {
    return this.inTurn(async () => {
      const [result] = await this.native.queryResult(sql, [...parameters]);
      try {
        return await take(result);
      } finally {
        await result?.close();
      }
    });
  }

  private inTurn<T>(call: () => Promise<T>): Promise<T> {
    const turn = guarded(this.last.then(call));
    this.last = turn.catch(() => undefined);
    return turn;
  }
}

async function guarded<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw mapError(error);
  }
}

/**
 * Opens a session.
 * @param url IBM's connection string, `DATABASE=...;HOSTNAME=...;PORT=...;UID=...;PWD=...;PROTOCOL=TCPIP`.
 * @throws FicusError `legacy_unavailable` when the server or the driver cannot be had.
 */
export async function openSession(url: string, connectTimeoutSeconds = 10): Promise<Db2Session> {
  const { Database } = await load();
  const native = new Database({ connectTimeout: connectTimeoutSeconds });
  try {
    await guarded(native.open(url));
  } catch (error) {
    // Else the collector of garbage frees its handles, on the thread of everybody.
    await native.close().catch(() => undefined);
    throw error;
  }
  return new IbmSession(native);
}
