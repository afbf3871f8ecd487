import { MongoClient } from 'mongodb';
import { putFicusUser } from '../server/mongo-roles.ts';
import type { Running, ServerKind, ServerName } from '../server/running.ts';
import type { ComposeProject } from './project.ts';
import { SERVICES, type Service, serviceEnv } from './settings.ts';

/**
 * The services as servers: the same names, the same variables, killed and started again through Compose.
 * @param names of all servers of the run: the images of no others are pulled.
 */
export function containerKinds(
  project: () => Promise<ComposeProject>,
  names: readonly ServerName[],
): ServerKind[] {
  const wanted = SERVICES.filter((service) => names.includes(service));
  return SERVICES.map((service) => ({
    name: service,
    needs: [],
    uses: service === 'connect' ? ['kafka'] : [],
    start: async ({ step, envOf }) => {
      const found = await project();
      step.update('pulling images');
      await found.create(wanted);
      if (service === 'connect') await envOf('kafka');
      const container = new Container(service, found);
      await container.restart();
      if (service === 'mongo') await putUser(container.env, found);
      return container;
    },
  }));
}

class Container implements Running {
  readonly name: Service;
  readonly env: Readonly<Record<string, string>>;
  /** The process belongs to the daemon. */
  readonly pid = undefined;
  readonly #project: ComposeProject;

  constructor(name: Service, project: ComposeProject) {
    this.name = name;
    this.env = serviceEnv(name, project.settings);
    this.#project = project;
  }

  async health(): Promise<void> {
    const state = (await this.#project.docker('ps', '--all', '--format', '{{.Health}}', this.name)).trim();
    if (state !== 'healthy') throw new Error(`container ${this.name} is ${state || 'not running'}`);
  }

  async stop(): Promise<void> {
    await this.#project.docker('stop', this.name);
  }

  async kill(): Promise<void> {
    await this.#project.docker('kill', '--signal', 'SIGKILL', this.name);
  }

  async restart(): Promise<void> {
    await this.#project.up(this.name);
  }
}

async function putUser(env: Readonly<Record<string, string>>, project: ComposeProject): Promise<void> {
  await using root = await MongoClient.connect(env.TEST_MONGO_ROOT_URL ?? '');
  await putFicusUser(root, { user: 'ficus', password: project.settings.secrets.mongoFicus });
}
