import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { estateFile } from '#config/running-estate';
import { NODE, REPOSITORY } from '../paths.ts';
import { describeExit } from '../process/child.ts';
import type { Supervisor } from '../process/supervisor.ts';
import { type Log, Progress } from '../progress.ts';
import { ALL_SERVERS, type Servers, startServers } from '../server/servers.ts';
import { APPS, type App, type AppName, startApp } from './apps.ts';
import { createBilling } from './billing.ts';
import { BILLING_SIZE, type BillingSize, billingRows } from './billing-data.ts';
import { createPlant, PLANT_SIZE, type PlantSize } from './plant.ts';
import { type RecordFormat, writeSettings } from './settings.ts';

export interface EstateOptions {
  readonly supervisor: Supervisor;
  readonly log: Log;
  readonly dataDir?: string | undefined;
  /** Servers that run already; else the estate starts its own. */
  readonly servers?: Servers;
  /** Built already; else the estate builds the apps. */
  readonly built?: boolean;
  /** Of what PostgreSQL's connector sends: JSON without schemas unless given. */
  readonly format?: RecordFormat;
  readonly seed?: number;
  readonly size?: BillingSize;
  readonly plant?: PlantSize;
}

/** The demonstration estate: servers, legacy databases with rows, plans applied, the four apps. */
export interface Estate {
  readonly servers: Servers;
  readonly apps: Readonly<Record<AppName, App>>;
  /** FICUS_* variables of the estate, the addresses of the endpoints included. */
  readonly settings: Readonly<Record<string, string>>;
  /** The same for other shells, as long as the estate runs; the command line finds it by itself. */
  readonly settingsFile: string;
  readonly seed: number;
  readonly size: BillingSize;
  readonly plant: PlantSize;
  /** Runs a command of the command line against the estate. @returns what it printed; throws when it failed. */
  ficus(...args: string[]): Promise<string>;
}

export async function startEstate(options: EstateOptions): Promise<Estate> {
  const { supervisor, log, format = 'json', seed = 20_261_121 } = options;
  const { size = BILLING_SIZE, plant = PLANT_SIZE } = options;
  const progress = new Progress(log);
  const build = options.built
    ? Promise.resolve('')
    : runStep(progress, 'build', () => command(supervisor, 'npm', ['run', '--silent', 'build'], {}));
  // Awaited below, once the servers are up: a build that fails first is not an unhandled rejection.
  build.catch(() => undefined);
  const servers =
    options.servers ??
    (await startServers({
      names: format === 'avro' ? [...ALL_SERVERS, 'registry'] : ALL_SERVERS,
      ...{ log, supervisor, dataDir: options.dataDir },
    }));
  await Promise.all([
    load(progress, 'billing', (said) =>
      createBilling(servers.env.TEST_POSTGRES_URL ?? '', billingRows(seed, size), said),
    ),
    load(progress, 'plant', (said) =>
      createPlant(servers.env.TEST_DB2_URL ?? '', { folder: servers.dataDir, seed, size: plant }, said),
    ),
  ]);
  const shared = await writeSettings(servers.dataDir, servers.env, { format });
  const cli = (args: readonly string[], settings: Readonly<Record<string, string>>): Promise<string> =>
    command(
      supervisor,
      NODE,
      ['--conditions=source', join(REPOSITORY, 'apps/cli/src/main.ts'), ...args],
      settings,
    );
  await runStep(progress, 'migrate', () => cli(['migrate'], shared));
  await runStep(progress, 'plans', () => cli(['plan', 'apply', join(REPOSITORY, 'plans')], shared));
  await build;
  const started = await Promise.all(
    APPS.map((name) =>
      runStep(progress, name, () => startApp(name, shared, { dataDir: servers.dataDir, supervisor })),
    ),
  );
  const apps = Object.fromEntries(APPS.map((name, index) => [name, started[index]])) as Record<AppName, App>;
  const settings = { ...shared, FICUS_API_URL: apps.facade.url, FICUS_ADMIN_URL: apps.admin.url };
  const settingsFile = estateFile(join(REPOSITORY, '.ficus'), process.pid);
  await mkdir(dirname(settingsFile), { recursive: true });
  await writeFile(
    settingsFile,
    Object.entries(settings)
      .map(([name, value]) => `${name}='${value}'\n`)
      .join(''),
    { mode: 0o600 },
  );
  supervisor.removeAtEnd(settingsFile);
  return {
    servers,
    apps,
    settings,
    settingsFile,
    seed,
    size,
    plant,
    ficus: (...args) => cli(args, settings),
  };
}

/** Makes a legacy database and tells of each table. */
async function load(
  progress: Progress,
  name: string,
  make: (said: (text: string) => void) => Promise<void>,
): Promise<void> {
  const step = progress.step(name);
  await make((text) => step.done(text));
}

async function runStep<T>(progress: Progress, name: string, work: () => Promise<T>): Promise<T> {
  const step = progress.step(name);
  try {
    const result = await work();
    step.done();
    return result;
  } catch (error) {
    step.failed(error instanceof Error ? error.message : String(error));
    throw error;
  }
}

async function command(
  supervisor: Supervisor,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const child = supervisor.spawn({ name: program, command: program, args, env, cwd: REPOSITORY });
  const exit = await child.exited;
  const output = (await child.output()).trim();
  if (exit.code !== 0) throw new Error(`${[program, ...args].join(' ')}: ${describeExit(exit)}\n${output}`);
  return output;
}
