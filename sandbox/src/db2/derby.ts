import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatProperties, jvmFlags } from '../server/jvm.ts';
import { catalogueStatements } from './catalogue.ts';
import { controlStatements } from './control.ts';
import { FUNCTIONS_CLASS, functionsClass } from './functions.ts';

/** Apache Derby's network server, the database behind the STAND-IN for Db2. */
export interface DerbyOptions {
  readonly java: string;
  /** Class path of Derby's jars: derby, derbynet, derbyshared, derbytools, derbyoptionaltools. */
  readonly classPath: string;
  /** Belongs to Derby alone; what an earlier run left is used again. */
  readonly dataDir: string;
  readonly port: number;
  readonly database: string;
  readonly users: Readonly<Record<string, string>>;
  /** The user in whose schema Ficus's own functions and tables stand. */
  readonly owner: string;
}

const HOST = '127.0.0.1';
const HEAP_MEGABYTES = 320;
const START_MS = 60_000;

/**
 * Starts the server and resolves once it accepts connections. A database that is not there yet is made first, by an
 * embedded Derby in a folder beside it, so that a kill half-way leaves nothing half-made.
 */
export async function startDerby(options: DerbyOptions): Promise<ChildProcess> {
  await writeSettings(options);
  if (!(await exists(join(options.dataDir, options.database)))) await createDatabase(options);
  const server = spawn(
    options.java,
    [
      ...javaFlags(options, options.dataDir),
      'org.apache.derby.drda.NetworkServerControl',
      'start',
      ...['-h', HOST, '-p', String(options.port), '-noSecurityManager'],
    ],
    { stdio: ['ignore', 'inherit', 'inherit'], cwd: options.dataDir },
  );
  await untilAccepts(options.port, server);
  return server;
}

function javaFlags(options: DerbyOptions, home: string): string[] {
  const classes = join(options.dataDir, 'classes');
  return [
    ...jvmFlags(HEAP_MEGABYTES),
    `-Dderby.system.home=${home}`,
    '-cp',
    `${options.classPath}:${classes}`,
  ];
}

async function writeSettings(options: DerbyOptions): Promise<void> {
  const [folder = '', name = ''] = FUNCTIONS_CLASS.split('.');
  await mkdir(join(options.dataDir, 'classes', folder), { recursive: true });
  await writeFile(join(options.dataDir, 'classes', folder, `${name}.class`), functionsClass());
  await writeFile(join(options.dataDir, 'derby.properties'), settings(options.users));
}

/** Exported for its test. */
export function settings(users: Readonly<Record<string, string>>): string {
  return formatProperties({
    'derby.connection.requireAuthentication': true,
    'derby.authentication.provider': 'BUILTIN',
    ...Object.fromEntries(Object.entries(users).map(([name, password]) => [`derby.user.${name}`, password])),
    // Db2 escalates too, but at far more rows: a batch must not lock the whole table here.
    'derby.locks.escalationThreshold': 2_147_483_647,
    'derby.locks.waitTimeout': 20,
    'derby.locks.deadlockTimeout': 2,
    // Each time the values in memory are used up, the catalogue is written, which fails when somebody reads it.
    'derby.language.sequence.preallocator': 1_000_000,
    // Statistics are refreshed in the background otherwise, at moments that a test cannot foresee.
    'derby.storage.indexStats.auto': false,
    // A statement that is compiled anew while another session prepares it makes Derby stumble (XJ001). Here it never is.
    'derby.language.stalePlanCheckInterval': 2_147_483_647,
    'derby.stream.error.file': 'derby.log',
  });
}

async function createDatabase(options: DerbyOptions): Promise<void> {
  const making = join(options.dataDir, 'making');
  await rm(making, { recursive: true, force: true });
  await mkdir(making);
  await writeFile(join(making, 'derby.properties'), settings(options.users));
  const script = [
    `CONNECT 'jdbc:derby:${options.database};create=true;user=${options.owner};password=${options.users[options.owner] ?? ''}'`,
    ...controlStatements(options.owner),
    ...catalogueStatements(),
    'EXIT',
  ];
  const tool = spawn(
    options.java,
    [...javaFlags(options, making), '-Dij.exceptionTrace=false', 'org.apache.derby.tools.ij'],
    { stdio: ['pipe', 'pipe', 'inherit'], cwd: making },
  );
  tool.stdin.end(`${script.join(';\n')};\n`);
  const printed = (await tool.stdout.setEncoding('utf8').toArray()).join('');
  const fault = /^(?:ERROR|IJ ERROR|JAVA ERROR).*/m.exec(printed);
  if (fault !== null) throw new Error(`the database was not made: ${fault[0]}`);
  await rename(join(making, options.database), join(options.dataDir, options.database));
  await rm(making, { recursive: true, force: true });
}

async function untilAccepts(port: number, server: ChildProcess): Promise<void> {
  const deadline = performance.now() + START_MS;
  while (!(await accepts(port))) {
    if (server.exitCode !== null || server.signalCode !== null)
      throw new Error(
        `Derby ended with ${server.exitCode ?? server.signalCode} before it listened on port ${port}`,
      );
    if (performance.now() > deadline)
      throw new Error(`Derby does not listen on port ${port} after ${START_MS / 1000} s`);
    await sleep(50);
  }
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
