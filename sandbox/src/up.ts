import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { describeLoss } from './process/child.ts';
import type { Log } from './progress.ts';
import { shellExports } from './provision/addon.ts';
import { SERVER_NAMES, type ServerName } from './server/running.ts';
import { ALL_SERVERS, startServers } from './server/servers.ts';
import type { Session } from './session.ts';

/** Starts servers and keeps them until the session is asked to end. */
export async function up(
  { supervisor, signal }: Session,
  args: readonly string[],
  log: Log,
): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    // Not `--env-file`: Node takes an option of that name for itself, even behind the script.
    options: { 'write-env': { type: 'string' }, data: { type: 'string' }, servers: { type: 'string' } },
  });
  const names = (values.servers?.split(',') ?? ALL_SERVERS).map(serverName);
  supervisor.onLoss((child) => log(describeLoss(child)));
  const servers = await startServers({ names, dataDir: values.data, log, supervisor });
  const exports = shellExports(servers.env);
  if (values['write-env'] === undefined) log(exports);
  else await writeFile(values['write-env'], exports);
  log('The servers are up. Ctrl-C stops them.');
  // A listener does not hold the process, a timer does.
  const hold = setInterval(() => {}, 60_000);
  if (!signal.aborted) await once(signal, 'abort');
  clearInterval(hold);
  return 0;
}

function serverName(text: string): ServerName {
  const found = SERVER_NAMES.find((name) => name === text);
  if (found === undefined)
    throw new Error(`there is no server '${text}': legal are ${SERVER_NAMES.join(', ')}`);
  return found;
}
