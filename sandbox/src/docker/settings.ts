import { registryEnv } from '../server/registry.ts';

/** The services of docker-compose.yml that a run may start; the registry only where it is asked for. */
export const SERVICES = ['postgres', 'mongo', 'redis', 'kafka', 'connect', 'registry'] as const;
export type Service = (typeof SERVICES)[number];

export type Secrets = { postgres: string; mongoRoot: string; mongoFicus: string; mongoKey: string };

/** Published ports of 127.0.0.1 and generated secrets. */
export type ComposeSettings = { ports: Readonly<Record<Service, number>>; secrets: Secrets };

/** The variables of docker-compose.yml. */
export function composeVariables({ ports, secrets }: ComposeSettings): Record<string, string> {
  return {
    FICUS_POSTGRES_PORT: String(ports.postgres),
    FICUS_POSTGRES_PASSWORD: secrets.postgres,
    FICUS_MONGO_PORT: String(ports.mongo),
    FICUS_MONGO_ROOT_PASSWORD: secrets.mongoRoot,
    FICUS_MONGO_KEY: secrets.mongoKey,
    FICUS_REDIS_PORT: String(ports.redis),
    FICUS_KAFKA_PORT: String(ports.kafka),
    FICUS_CONNECT_PORT: String(ports.connect),
    FICUS_REGISTRY_PORT: String(ports.registry),
  };
}

/** How the rest of the run reaches a service: the same variables as from a process of this machine. */
export function serviceEnv(service: Service, { ports, secrets }: ComposeSettings): Record<string, string> {
  const address = `127.0.0.1:${ports[service]}`;
  const mongo = (user: string, password: string) =>
    `mongodb://${user}:${password}@${address}/?replicaSet=rs0&authSource=admin`;
  switch (service) {
    case 'postgres':
      return {
        TEST_POSTGRES_URL: `postgres://postgres:${secrets.postgres}@${address}/postgres`,
        // Connect runs in the same network of containers.
        TEST_POSTGRES_FROM_CONNECT: 'postgres:5432',
      };
    case 'mongo':
      return {
        TEST_MONGO_URL: mongo('ficus', secrets.mongoFicus),
        TEST_MONGO_ROOT_URL: mongo('root', secrets.mongoRoot),
      };
    case 'redis':
      return { TEST_REDIS_URL: `redis://${address}` };
    case 'kafka':
      return { TEST_KAFKA_BROKERS: address };
    case 'connect':
      return { TEST_CONNECT_URL: `http://${address}` };
    case 'registry':
      return registryEnv(address, 'registry:8080');
  }
}
