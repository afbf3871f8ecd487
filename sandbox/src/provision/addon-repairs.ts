import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A fault in the C++ source of ibm_db, and what stands there without it. */
interface Repair {
  readonly file: string;
  readonly faulty: string;
  readonly right: string;
}

/**
 * What ibm_db 4.0.1 gets wrong where a connection breaks, each seen by a line cut between driver and server:
 *
 * - What came of an asynchronous begin, commit or rollback is read out of the wrong struct, where it is always 0: a
 *   commit that never reached the server counts as done.
 * - The names of a result's columns stay uninitialised when the connection breaks before they are asked for, and are
 *   freed all the same: the process aborts, or goes on with a broken heap.
 * - A fetch that fails so early that not even the number of columns is known answers no rows and no error.
 * - A value of a row that cannot be had any more throws where nobody can catch it, and ends the process.
 */
const REPAIRS: readonly Repair[] = [
  ...['Begin', 'End'].map((what) => ({
    file: 'odbc_connection.cpp',
    faulty: `void ODBCConnection::UV_After${what}Transaction(uv_work_t *req, int status)
{
  open_connection_work_data *data = (open_connection_work_data *)(req->data);`,
    right: `void ODBCConnection::UV_After${what}Transaction(uv_work_t *req, int status)
{
  query_work_data *data = (query_work_data *)(req->data);`,
  })),
  {
    file: 'odbc.cpp',
    faulty: 'Column *columns = new Column[*colCount];',
    right: 'Column *columns = new Column[*colCount]();',
  },
  {
    file: 'odbc_result.cpp',
    faulty: 'if (data->errorCount > 0 && !noDataFetchQuery)',
    right: 'if (data->errorCount > 0)',
  },
  {
    file: 'odbc_result.cpp',
    faulty: `    data->count++;
  }

  if (doMoreWork)
  {
    uv_queue_work(uv_default_loop(), work_req, UV_FetchAll, `,
    right: `    data->count++;
    if (env.IsExceptionPending())
    {
      data->errorCount++;
      data->objError->Reset(env.GetAndClearPendingException().Value());
      doMoreWork = false;
    }
  }

  if (doMoreWork)
  {
    uv_queue_work(uv_default_loop(), work_req, UV_FetchAll, `,
  },
];

/** Names the repairs: an add-on that was compiled with others is another one. */
export const REPAIRED = createHash('sha256').update(JSON.stringify(REPAIRS)).digest('hex').slice(0, 8);

/**
 * Repairs the source before it is compiled; what is repaired already stays.
 * @throws Error when the source is not the one that these repairs are for.
 */
export async function repairSource(folder: string): Promise<void> {
  for (const { file, faulty, right } of REPAIRS) {
    const path = join(folder, file);
    const source = await readFile(path, 'utf8');
    const isFaulty = source.split(faulty).length === 2;
    if (!isFaulty && source.includes(right)) continue;
    if (!isFaulty)
      throw new Error(`ibm_db's ${file} is not of the version that is repaired: it has no "${faulty}"`);
    await writeFile(path, source.replace(faulty, right));
  }
}
