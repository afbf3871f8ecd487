import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withDatabase } from './billing.ts';
import { ACCOUNTS, BILLING } from './billing-schema.ts';

/** The forms of records that the estate can be run with. */
export const RECORD_FORMATS = ['json', 'json-schema', 'avro'] as const;
export type RecordFormat = (typeof RECORD_FORMATS)[number];

/** The key of the demonstration's digests: nothing outside this machine sees them. */
const DIGEST_KEY = 'sandbox-digest-key-0123456789';

/**
 * Writes systems.yaml for the estate's servers and answers the FICUS_* settings that all apps share.
 * @param given.format of what PostgreSQL's connector sends; Db2's stand-in sends JSON without schemas.
 */
export async function writeSettings(
  folder: string,
  servers: Readonly<Record<string, string>>,
  given: { readonly format: RecordFormat },
): Promise<Record<string, string>> {
  const of = (name: string): string => {
    const value = servers[name];
    if (value === undefined) throw new Error(`no server gave ${name}`);
    return value;
  };
  const [hostname = '', port = ''] = of('TEST_POSTGRES_FROM_CONNECT').split(':');
  const systems = {
    billing: {
      kind: 'postgres',
      url: withDatabase(of('TEST_POSTGRES_URL'), BILLING, 'ficus'),
      adminUrl: withDatabase(of('TEST_POSTGRES_URL'), BILLING),
      capture: {
        connect: of('TEST_CONNECT_URL'),
        connector: 'billing',
        topicPrefix: 'billing',
        slot: 'ficus_billing',
        publication: 'ficus_billing',
        format: given.format,
        ...(given.format === 'avro'
          ? { registry: { url: of('TEST_REGISTRY_URL'), fromConnect: of('TEST_REGISTRY_FROM_CONNECT') } }
          : {}),
        database: {
          hostname,
          port: Number(port),
          user: 'ficus_capture',
          password: ACCOUNTS.ficus_capture,
          dbname: BILLING,
        },
      },
    },
    plant: {
      kind: 'db2',
      url: of('TEST_DB2_URL'),
      capture: {
        connect: of('TEST_DB2_CONNECT_URL'),
        connector: 'plant',
        topicPrefix: 'plant',
      },
    },
  };
  const file = join(folder, 'systems.yaml');
  // JSON is YAML; the file holds passwords of this run's servers.
  await writeFile(file, JSON.stringify({ systems }, null, 2), { mode: 0o600 });
  return {
    FICUS_MONGO_URL: of('TEST_MONGO_URL'),
    FICUS_MONGO_DATABASE: 'estate',
    FICUS_KAFKA_BROKERS: of('TEST_KAFKA_BROKERS'),
    FICUS_REDIS_URL: of('TEST_REDIS_URL'),
    FICUS_SYSTEMS: file,
    FICUS_DIGEST_KEY: DIGEST_KEY,
  };
}
