import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

/**
 * Below the range from which the kernel takes ports for outgoing connections (32768 and up on Linux, 49152 on
 * macOS): a server that is down for a restart must find its port free again.
 */
const FIRST = 21_000;
const LAST = 31_999;

const taken = new Set<number>();

/** The ports to try, in order: all of the range once, beginning anywhere, so that two runs rarely meet. */
export function* portsFrom(start: number, first = FIRST, last = LAST): Generator<number> {
  const size = last - first + 1;
  for (let step = 0; step < size; step++) yield first + ((start - first + step) % size);
}

/** A port of 127.0.0.1 on which nothing listens and that this process has not handed out yet. */
export async function freePort(random: () => number = Math.random): Promise<number> {
  const start = FIRST + Math.floor(random() * (LAST - FIRST + 1));
  for (const port of portsFrom(start)) {
    if (taken.has(port)) continue;
    taken.add(port);
    if (await canBind(port)) return port;
  }
  throw new Error(`no free port between ${FIRST} and ${LAST} on 127.0.0.1`);
}

function canBind(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen({ host: '127.0.0.1', port, exclusive: true }, () => probe.close(() => resolve(true)));
  });
}

/**
 * The port under which the data in a folder was used before, else a free one, remembered there. A replica set's
 * members know each other by port, and whoever kept an address finds the server again.
 */
export async function savedPort(path: string): Promise<number> {
  const saved = await readFile(path, 'utf8').catch(() => undefined);
  if (saved === undefined) {
    const port = await freePort();
    await writeFile(path, String(port));
    return port;
  }
  const port = Number(saved);
  taken.add(port);
  if (await canBind(port)) return port;
  throw new Error(
    `port ${port}, kept in ${path}, is in use: end what listens there or choose another data folder`,
  );
}
