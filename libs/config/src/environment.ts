import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { FicusError } from '#core/errors';

/** Threads that apply large batches, unless told otherwise: as many as there are cores, up to a few. */
export function defaultThreads(): number {
  return Math.min(4, availableParallelism());
}

/** The only reader of the process environment. Each setting is documented here, where it is defined. */
const schema = z.object({
  /** MongoDB replica set, with Ficus's own user in it. */
  FICUS_MONGO_URL: z.string().regex(/^mongodb(\+srv)?:\/\/[^/]/, 'a mongodb:// address with its hosts'),
  /** Database of the migrated documents; control data is always in `ficus`. */
  FICUS_MONGO_DATABASE: z
    .string()
    .regex(
      /^(?!(ficus|admin|local|config)$)[\w-]{1,63}$/,
      'up to 63 letters, digits, underscores and hyphens, and none of ficus, admin, local, config',
    )
    .default('estate'),
  /** host:port, several joined by commas. */
  FICUS_KAFKA_BROKERS: z
    .string()
    .regex(/^[^,\s]+:\d+(,[^,\s]+:\d+)*$/, 'host:port, several joined by commas')
    .transform((text) => text.split(',')),
  FICUS_REDIS_URL: z.string().regex(/^rediss?:\/\/[^/]/, 'a redis:// address with its host'),
  /** Path of systems.yaml, the named legacy connections. */
  FICUS_SYSTEMS: z.string().min(1, 'the path of a file'),
  FICUS_HTTP_HOST: z.string().min(1, 'an address of this machine').default('127.0.0.1'),
  FICUS_HTTP_PORT: z
    .string()
    .regex(
      /^(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
      'a whole number from 0 (any free port) to 65535',
    )
    .default('0')
    .transform(Number),
  /** Names this process among its like; must be unique while it lives. */
  FICUS_INSTANCE: z.string().min(1, 'a name that is not empty').optional(),
  /** Key of the content digests stored with each row; the same for every process of an estate. */
  FICUS_DIGEST_KEY: z.string().min(16, 'at least 16 characters'),
  /** Threads of a replicator that apply large batches beside the one that reads the log; 0: it does both. */
  FICUS_APPLY_THREADS: z
    .string()
    .regex(/^(\d|1[0-6])$/, 'a whole number from 0 to 16')
    .optional()
    .transform((text) => (text === undefined ? defaultThreads() : Number(text))),
  FICUS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'silent']).default('info'),
});

export interface Environment {
  readonly mongoUrl: string;
  readonly mongoDatabase: string;
  readonly kafkaBrokers: readonly string[];
  readonly redisUrl: string;
  readonly systems: string;
  readonly httpHost: string;
  readonly httpPort: number;
  readonly instance: string;
  readonly digestKey: string;
  readonly applyThreads: number;
  readonly logLevel: z.infer<typeof schema>['FICUS_LOG_LEVEL'];
}

/**
 * @param app names the process when FICUS_INSTANCE does not.
 * @throws FicusError `setting_invalid` naming every wrong variable at once, its value and what is legal.
 */
export function readEnvironment(app: string, source: NodeJS.ProcessEnv = process.env): Environment {
  const parsed = schema.safeParse(source);
  if (!parsed.success) {
    const faults = parsed.error.issues.map((issue) => {
      const name = String(issue.path[0]);
      return { pointer: name, message: `${name} is ${shown(name, source[name])}: ${legal(issue.message)}` };
    });
    throw new FicusError('setting_invalid', faults.map((fault) => fault.message).join('\n'), { faults });
  }
  const env = parsed.data;
  return {
    mongoUrl: env.FICUS_MONGO_URL,
    mongoDatabase: env.FICUS_MONGO_DATABASE,
    kafkaBrokers: env.FICUS_KAFKA_BROKERS,
    redisUrl: env.FICUS_REDIS_URL,
    systems: env.FICUS_SYSTEMS,
    httpHost: env.FICUS_HTTP_HOST,
    httpPort: env.FICUS_HTTP_PORT,
    instance: env.FICUS_INSTANCE ?? `${app}-${process.pid}`,
    digestKey: env.FICUS_DIGEST_KEY,
    applyThreads: env.FICUS_APPLY_THREADS,
    logLevel: env.FICUS_LOG_LEVEL,
  };
}

/** Addresses carry passwords and the key is one: these are never printed. */
function shown(name: string, value: string | undefined): string {
  if (value === undefined) return 'not set';
  return name.endsWith('_URL') || name.endsWith('_KEY') ? 'set to something else' : `"${value}"`;
}

function legal(message: string): string {
  if (message.startsWith('Invalid input: expected string')) return 'it must be set';
  return `legal is ${message.replace(/^Invalid option: expected one of /, 'one of ')}`;
}
