import { join } from 'node:path';
import { savedPort } from '../ports.ts';
import { Daemon } from './daemon.ts';
import { jvmFlags } from './jvm.ts';
import type { Running, ServerContext, ServerKind } from './running.ts';

const HEAP_MEGABYTES = 256;

/** Only in runs that ask for it: it takes as much memory as a database, and only Avro needs it. */
export const registry: ServerKind = { name: 'registry', needs: ['java', 'avro'], uses: [], start };

/** Apicurio's schema registry, which keeps its schemas in memory. */
async function start({ components, dataDir, supervisor }: ServerContext): Promise<Running> {
  const port = await savedPort(join(dataDir, 'port'));
  const management = await savedPort(join(dataDir, 'management-port'));
  const daemon = new Daemon(
    {
      name: 'registry',
      env: registryEnv(`127.0.0.1:${port}`, `127.0.0.1:${port}`),
      process: {
        command: components.java,
        args: [...jvmFlags(HEAP_MEGABYTES), '-jar', components.path('avro', 'registry', 'quarkus-run.jar')],
        env: {
          QUARKUS_HTTP_HOST: '127.0.0.1',
          QUARKUS_HTTP_PORT: String(port),
          // Its health and metrics have a port of their own, a fixed one unless told otherwise.
          QUARKUS_MANAGEMENT_HOST: '127.0.0.1',
          QUARKUS_MANAGEMENT_PORT: String(management),
        },
        cwd: dataDir,
        logFile: join(dataDir, 'registry.log'),
      },
      health: () => isHealthy(port),
      timeoutMs: 120_000,
    },
    supervisor,
  );
  await daemon.restart();
  return daemon;
}

/** Confluent's interface for who reads, Apicurio's own for its converter in Kafka Connect. */
export function registryEnv(address: string, fromConnect: string): Record<string, string> {
  return {
    TEST_REGISTRY_URL: `http://${address}/apis/ccompat/v7`,
    TEST_REGISTRY_FROM_CONNECT: `http://${fromConnect}/apis/registry/v2`,
  };
}

async function isHealthy(port: number): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${port}/apis/ccompat/v7/subjects`, {
    signal: AbortSignal.timeout(3_000),
  });
  if (!answer.ok) throw new Error(`the registry answered ${answer.status}: ${await answer.text()}`);
}
