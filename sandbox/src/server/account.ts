import { readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A user of this machine. */
export type Account = { name: string; uid: number; gid: number };

/**
 * The account for a server that refuses to run as root: `nobody`, else any other of the machine's users, since such a
 * server wants its uid to have a name. Undefined when this process is not root and the server can run as itself.
 */
export async function unprivilegedAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = parseAccounts(await readFile('/etc/passwd', 'utf8'));
  const found = accounts.find(({ name }) => name === 'nobody') ?? accounts.find(({ uid }) => uid > 0);
  if (found === undefined)
    throw new Error('PostgreSQL refuses to run as root, and /etc/passwd has no other user');
  return found;
}

/** Lines of `/etc/passwd`: name, password, uid, gid, ... */
export function parseAccounts(passwd: string): Account[] {
  return passwd.split('\n').flatMap((line) => {
    const [name, , uid, gid] = line.split(':');
    if (!name || !uid || !gid || !/^\d+$/.test(uid) || !/^\d+$/.test(gid)) return [];
    return [{ name, uid: Number(uid), gid: Number(gid) }];
  });
}

/** The outermost folder on the way to `path` that the account cannot enter; undefined when all are open to it. */
export async function closedFolder(account: Account, path: string): Promise<string | undefined> {
  const parent = dirname(path);
  const outer = parent === path ? undefined : await closedFolder(account, parent);
  if (outer !== undefined) return outer;
  const found = await stat(path);
  const bit = found.uid === account.uid ? 0o100 : found.gid === account.gid ? 0o010 : 0o001;
  return (found.mode & bit) === 0 ? path : undefined;
}
