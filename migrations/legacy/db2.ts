import { FicusError } from '#core/errors';
import { type Db2Session, openSession } from '#legacy/db2/driver';
import { missingFiles } from './files.ts';

/** Runs what is missing. The account of the address owns what it makes, so nothing is to be granted. */
export async function migrateDb2(name: string, url: string): Promise<readonly string[]> {
  try {
    const session = await openSession(url);
    try {
      return await migrate(session);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (!(error instanceof FicusError)) throw error;
    const { retryable } = error;
    throw new FicusError(error.code, `system ${name}: ${error.message}`, { cause: error, retryable });
  }
}

async function migrate(session: Db2Session): Promise<readonly string[]> {
  await makeRecord(session);
  await session.begin();
  try {
    const done = await runMissing(session);
    await session.commit();
    return done;
  } catch (error) {
    await session.rollback().catch(() => undefined);
    throw error;
  }
}

/** Two runners at once: the second waits for the lock and then finds nothing left to do. */
async function runMissing(session: Db2Session): Promise<readonly string[]> {
  await session.execute('LOCK TABLE FICUS.MIGRATION IN EXCLUSIVE MODE');
  const known = await session.query('SELECT NAME FROM FICUS.MIGRATION');
  const missing = missingFiles('db2', new Set(known.map((row) => String(row.NAME))));
  for (const file of missing) {
    for (const text of file.statements) await session.execute(text);
    await session.execute(
      'INSERT INTO FICUS.MIGRATION (NAME, "AT") VALUES (CAST(? AS VARCHAR(128)), CURRENT TIMESTAMP)',
      [file.name],
    );
  }
  return missing.map((file) => file.name);
}

/** Db2 cannot create what may be there: whoever comes second sees that it is. */
async function makeRecord(session: Db2Session): Promise<void> {
  if (await exists(session)) return;
  try {
    await session.execute(
      'CREATE TABLE FICUS.MIGRATION (NAME VARCHAR(128) NOT NULL PRIMARY KEY, "AT" TIMESTAMP NOT NULL)',
    );
  } catch (error) {
    if (!(await exists(session))) throw error;
  }
}

async function exists(session: Db2Session): Promise<boolean> {
  const rows = await session.query(
    "SELECT TABNAME FROM SYSCAT.TABLES WHERE TABSCHEMA = 'FICUS' AND TABNAME = 'MIGRATION'",
  );
  return rows.length > 0;
}
