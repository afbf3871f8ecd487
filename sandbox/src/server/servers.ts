import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { db2 } from '../db2/start.ts';
import { containerKinds } from '../docker/container.ts';
import { ComposeProject } from '../docker/project.ts';
import { chooseEngine } from '../engine.ts';
import { Supervisor } from '../process/supervisor.ts';
import { type Log, Progress } from '../progress.ts';
import { type ComponentName, provision } from '../provision/provision.ts';
import { connect } from './connect.ts';
import { kafka } from './kafka.ts';
import { mongo } from './mongo.ts';
import { postgres } from './postgres.ts';
import { redis } from './redis.ts';
import { registry } from './registry.ts';
import type { Running, ServerContext, ServerKind, ServerName } from './running.ts';

const NATIVE: readonly ServerKind[] = [kafka, db2, connect, registry, mongo, postgres, redis];

/** Every server that can be started, in the order in which the slow ones come first. */
const KNOWN: readonly ServerName[] = NATIVE.map(({ name }) => name);

/** The servers of every run; what only some need is asked for by name. */
export const ALL_SERVERS: readonly ServerName[] = KNOWN.filter((name) => name !== 'registry');

export type ServersOptions = {
  names: readonly ServerName[];
  /** Kept after the run; without it a temporary folder that is removed at the end. */
  dataDir?: string | undefined;
  log: Log;
  /** Given when processes beside the servers belong to the same run. */
  supervisor?: Supervisor;
};

/** The servers of one run. */
export class Servers {
  readonly dataDir: string;
  readonly supervisor: Supervisor;
  readonly #running: ReadonlyMap<ServerName, Running>;

  constructor(dataDir: string, supervisor: Supervisor, running: ReadonlyMap<ServerName, Running>) {
    this.dataDir = dataDir;
    this.supervisor = supervisor;
    this.#running = running;
  }

  /** The addresses of all servers, for tests and for the configuration of the apps. */
  get env(): Record<string, string> {
    return Object.assign({}, ...[...this.#running.values()].map(({ env }) => env));
  }

  get(name: ServerName): Running {
    const found = this.#running.get(name);
    if (found === undefined)
      throw new Error(`server '${name}' is not part of this run: ${[...this.#running.keys()].join(', ')}`);
    return found;
  }

  /** Ends the run: what was started beside the servers, then the servers, then the temporary data. */
  stop(): Promise<void> {
    return this.supervisor.stopAll();
  }
}

/** Provisions and starts the named servers together and resolves when each has answered. On failure all are stopped. */
export async function startServers(options: ServersOptions): Promise<Servers> {
  const supervisor = options.supervisor ?? new Supervisor();
  const progress = new Progress(options.log);
  try {
    const { engine, reason } = await chooseEngine();
    progress.line(`servers run ${engine === 'docker' ? 'from images' : 'as processes'}: ${reason}`);
    const dataDir =
      options.dataDir === undefined ? await temporaryFolder(supervisor) : resolve(options.dataDir);
    const kinds = kindsOf(
      options.names,
      engine === 'docker' ? fromImages(dataDir, options, supervisor) : NATIVE,
    );
    const needs = new Set<ComponentName>(kinds.flatMap((kind) => kind.needs));
    const components = await provision([...needs], { supervisor, progress });
    const starting = new Map<ServerName, Promise<Running>>();
    const envOf: ServerContext['envOf'] = async (name) => {
      const server = starting.get(name);
      if (server === undefined) throw new Error(`server '${name}' is needed but was not asked for`);
      return (await server).env;
    };
    for (const kind of kinds) {
      const folder = join(dataDir, kind.name);
      const step = progress.step(kind.name);
      const start = async () => {
        await mkdir(folder, { recursive: true });
        const server = await kind.start({ dataDir: folder, components, supervisor, step, envOf });
        step.done('answers');
        return server;
      };
      starting.set(kind.name, start());
    }
    await Promise.all(starting.values());
    const running = new Map<ServerName, Running>();
    for (const [name, server] of starting) running.set(name, await server);
    return new Servers(dataDir, supervisor, running);
  } catch (error) {
    await supervisor.stopAll();
    throw error;
  }
}

function kindsOf(names: readonly ServerName[], kinds: readonly ServerKind[]): ServerKind[] {
  return names.map((name) => {
    const kind = kinds.find((candidate) => candidate.name === name);
    if (kind === undefined)
      throw new Error(`server '${name}' cannot be started: legal are ${KNOWN.join(', ')}`);
    for (const used of kind.uses)
      if (!names.includes(used)) throw new Error(`server '${name}' needs '${used}', which was not asked for`);
    return kind;
  });
}

/** Containers where there is an image, processes for the rest: the stand-in for Db2 has none. */
function fromImages(dataDir: string, options: ServersOptions, supervisor: Supervisor): ServerKind[] {
  let project: Promise<ComposeProject> | undefined;
  const containers = containerKinds(() => {
    project ??= ComposeProject.open(dataDir, supervisor, options.dataDir !== undefined);
    return project;
  }, options.names);
  const names = new Set(containers.map(({ name }) => name));
  return [...containers, ...NATIVE.filter(({ name }) => !names.has(name))];
}

async function temporaryFolder(supervisor: Supervisor): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ficus-'));
  supervisor.removeAtEnd(folder);
  await chmod(folder, 0o711);
  return folder;
}
