import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { REPOSITORY } from '../paths.ts';
import { savedPort } from '../ports.ts';
import { run } from '../process/run.ts';
import type { Supervisor } from '../process/supervisor.ts';
import { savedSecret } from '../server/secret.ts';
import { type ComposeSettings, composeVariables, SERVICES, type Service } from './settings.ts';

const COMPOSE_FILE = join(REPOSITORY, 'docker-compose.yml');

/** One copy of the estate: a Compose project of its own, with its own ports, secrets and volumes. */
export class ComposeProject {
  readonly settings: ComposeSettings;
  readonly #supervisor: Supervisor;
  readonly #options: readonly string[];
  #created: Promise<string> | undefined;

  private constructor(settings: ComposeSettings, supervisor: Supervisor, options: readonly string[]) {
    this.settings = settings;
    this.#supervisor = supervisor;
    this.#options = options;
  }

  /** `keep` leaves the volumes to a later run on the same data folder. */
  static async open(dataDir: string, supervisor: Supervisor, keep: boolean): Promise<ComposeProject> {
    const folder = join(dataDir, 'compose');
    await mkdir(folder, { recursive: true });
    const settings = await readSettings(folder);
    const variables = join(folder, 'variables');
    const lines = Object.entries(composeVariables(settings)).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(variables, lines.join(''), { mode: 0o600 });
    const name = `ficus-${createHash('sha256').update(dataDir).digest('hex').slice(0, 10)}`;
    const options = ['compose', '--project-name', name, '--file', COMPOSE_FILE, '--env-file', variables];
    const down = ['down', '--timeout', '5', ...(keep ? [] : ['--volumes'])];
    supervisor.runAtEnd('docker', [...options, ...down]);
    return new ComposeProject(settings, supervisor, options);
  }

  /** Pulls the images and creates network, volumes and containers; once, since services start side by side. */
  create(services: readonly Service[]): Promise<string> {
    this.#created ??= this.docker('create', '--quiet-pull', ...services);
    return this.#created;
  }

  /** Starts a service and waits until its health check passes. */
  async up(service: Service): Promise<void> {
    await this.docker('up', '--detach', '--wait', '--no-deps', service);
  }

  docker(...args: string[]): Promise<string> {
    const name = `docker compose ${args.join(' ')}`;
    return run(this.#supervisor, { name, command: 'docker', args: [...this.#options, ...args] });
  }
}

async function readSettings(folder: string): Promise<ComposeSettings> {
  const port = (service: Service) => savedPort(join(folder, `${service}-port`));
  const secret = (name: string) => savedSecret(join(folder, name));
  const ports = { postgres: 0, mongo: 0, redis: 0, kafka: 0, connect: 0, registry: 0 };
  for (const service of SERVICES) ports[service] = await port(service);
  const secrets = {
    postgres: await secret('postgres-password'),
    mongoRoot: await secret('mongo-root-password'),
    mongoFicus: await secret('mongo-password'),
    mongoKey: await secret('mongo-key'),
  };
  return { ports, secrets };
}
