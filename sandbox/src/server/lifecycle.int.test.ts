import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import pg from 'pg';
import { afterEach, describe, expect, test } from 'vitest';
import { NODE, SANDBOX } from '../paths.ts';
import { waitFor } from '../process/poll.ts';
import { isAlive } from '../provision/landing.ts';
import { startServers } from './servers.ts';

const silent = () => {};
const folders: string[] = [];

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'ficus-test-'));
  // PostgreSQL's own user must be able to enter.
  await chmod(made, 0o711);
  folders.push(made);
  return made;
}

afterEach(async () => {
  for (const path of folders.splice(0)) await rm(path, { recursive: true, force: true });
});

describe('servers of this process', () => {
  test('come back after SIGKILL on the same address with the same data', async () => {
    const servers = await startServers({ names: ['postgres', 'mongo', 'redis'], log: silent });
    const ports = { ...servers.env };
    await query(servers.env, 'CREATE TABLE kept AS SELECT 42 AS answer');
    await using root = await MongoClient.connect(servers.env.TEST_MONGO_ROOT_URL ?? '');
    await root
      .db('estate')
      .collection('kept')
      .insertOne({ answer: 42 }, { writeConcern: { w: 'majority', j: true } });
    for (const name of ['postgres', 'mongo', 'redis'] as const) {
      const server = servers.get(name);
      const before = server.pid;
      await server.kill();
      await expect(server.health()).rejects.toThrow();
      expect(server.pid).toBeUndefined();
      await server.restart();
      expect(server.pid).not.toBe(before);
      await server.health();
    }
    expect(servers.env).toEqual(ports);
    expect(await query(servers.env, 'SELECT answer FROM kept')).toEqual([{ answer: 42 }]);
    expect(await root.db('estate').collection('kept').countDocuments({ answer: 42 })).toBe(1);
    await servers.stop();
    await expect(access(servers.dataDir)).rejects.toThrow();
  });

  test('keep their data and their addresses in a named folder', async () => {
    const dataDir = await folder();
    const first = await startServers({ names: ['mongo'], dataDir, log: silent });
    await first.stop();
    const second = await startServers({ names: ['mongo'], dataDir, log: silent });
    await second.stop();
    expect(second.env).toEqual(first.env);
  });

  test('the stand-in for Db2 starts a capture again that ended, on the same address', async () => {
    const servers = await startServers({ names: ['kafka', 'db2'], log: silent });
    const db2 = servers.get('db2');
    const captures = () => childrenOf(db2.pid ?? 0, 'capture/main.ts');
    const [killed = 0] = await captures();
    expect(killed).toBeGreaterThan(0);
    process.kill(killed, 'SIGKILL');
    await waitFor(
      'another capture',
      async () => {
        expect(await captures()).not.toContain(killed);
        await db2.health();
      },
      { timeoutMs: 30_000 },
    );
    expect(await captures()).toHaveLength(1);
    await servers.stop();
  });

  test('one that does not start is named with the end of its log, and the others are stopped', async () => {
    const dataDir = await folder();
    const first = await startServers({ names: ['mongo'], dataDir, log: silent });
    await first.stop();
    await rm(join(dataDir, 'mongo', 'data', 'WiredTiger.wt'));
    const failing = startServers({ names: ['redis', 'mongo'], dataDir, log: silent });
    await expect(failing).rejects.toThrow(
      /^mongo: ended with .*\n--- the end of .*mongod\.log:\n.*WiredTiger/s,
    );
  });
});

describe('a run that ends', () => {
  type Case = { signal: NodeJS.Signals; when: 'starting' | 'up'; status: number | null };
  const cases: Case[] = [
    { signal: 'SIGINT', when: 'up', status: 130 },
    { signal: 'SIGTERM', when: 'starting', status: 143 },
    { signal: 'SIGKILL', when: 'up', status: null },
    { signal: 'SIGKILL', when: 'starting', status: null },
  ];

  test.each(cases)('by $signal while $when leaves nothing behind', async ({ signal, when, status }) => {
    // The run's own temporary folder lies in this one, and so do the files of its servers.
    const temporary = await folder();
    const run = spawn(NODE, [join(SANDBOX, 'src', 'main.ts'), 'up', '--servers', 'redis,postgres,mongo'], {
      env: { ...process.env, TMPDIR: temporary },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(run, 'exit');
    const sought = when === 'up' ? 'The servers are up' : 'redis ';
    let printed = '';
    run.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    await waitFor(sought, async () => expect(printed).toContain(sought), { timeoutMs: 60_000 });
    const children = await childrenOf(run.pid ?? 0);
    expect(children.length).toBeGreaterThan(1);
    run.kill(signal);
    const [code] = await ended;
    expect(code).toBe(status);
    await waitFor('the end of every process', async () => expect(children.filter(isAlive)).toEqual([]), {
      timeoutMs: 15_000,
    });
    await waitFor('an empty folder', async () => expect(await readdir(temporary)).toEqual([]), {
      timeoutMs: 15_000,
    });
  });
});

async function query(env: Readonly<Record<string, string>>, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: env.TEST_POSTGRES_URL });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** The processes below one, at any depth, whose command holds the text. */
async function childrenOf(pid: number, command = ''): Promise<number[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-ww', '-o', 'pid=,ppid=,args=']);
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [, child, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return { child: Number(child), parent: Number(parent), args };
    });
  const below = new Set([pid]);
  // A parent may stand behind its child in the list.
  for (let size = 0; size < below.size; ) {
    size = below.size;
    for (const { child, parent } of rows) if (below.has(parent)) below.add(child);
  }
  below.delete(pid);
  return rows
    .filter(({ child, args }) => below.has(child) && args.includes(command))
    .map(({ child }) => child);
}
