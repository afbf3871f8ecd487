import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { savedPort } from '../ports.ts';
import type { Components } from '../provision/provision.ts';
import { Daemon } from './daemon.ts';
import { formatProperties, jvmFlags, logFlags } from './jvm.ts';
import type { Running, ServerContext, ServerKind } from './running.ts';

const HEAP_MEGABYTES = 512;
const CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

export const connect: ServerKind = { name: 'connect', needs: ['java', 'jars'], uses: ['kafka'], start };

/**
 * Kafka Connect with Debezium's connectors, in its standalone mode: connectors are created over REST and forgotten
 * when the process ends, their source offsets are kept in a file.
 */
async function start(context: ServerContext): Promise<Running> {
  const { components, dataDir, supervisor } = context;
  const { TEST_KAFKA_BROKERS: brokers } = await context.envOf('kafka');
  const port = await savedPort(join(dataDir, 'port'));
  const url = `http://127.0.0.1:${port}`;
  const properties = join(dataDir, 'worker.properties');
  await writeFile(
    properties,
    formatProperties({
      'bootstrap.servers': brokers ?? '',
      listeners: url,
      ...plugins(components),
      'key.converter': CONVERTER,
      'value.converter': CONVERTER,
      'key.converter.schemas.enable': false,
      'value.converter.schemas.enable': false,
      'offset.storage.file.filename': join(dataDir, 'offsets'),
      'offset.flush.interval.ms': 500,
      // Debezium may not make a topic that the plan did not make first.
      'topic.creation.enable': false,
    }),
  );
  const daemon = new Daemon(
    {
      name: 'connect',
      env: { TEST_CONNECT_URL: url },
      process: {
        command: components.java,
        args: [
          ...jvmFlags(HEAP_MEGABYTES),
          ...logFlags('info'),
          ...[
            '-cp',
            components.classPath('kafka'),
            'org.apache.kafka.connect.cli.ConnectStandalone',
            properties,
          ],
        ],
        cwd: dataDir,
        logFile: join(dataDir, 'connect.log'),
      },
      health: () => isHealthy(url),
      timeoutMs: 120_000,
      // It waits long for a Kafka that has gone.
      stage: 1,
    },
    supervisor,
  );
  await daemon.restart();
  return daemon;
}

/**
 * Debezium's connectors carry service files, and searching every class for more takes seconds; the Avro converter of
 * runs with a registry carries none.
 */
function plugins(components: Components): Record<string, string> {
  const debezium = components.path('jars', 'debezium');
  return components.has('avro')
    ? {
        'plugin.path': `${debezium},${components.path('avro', 'plugins')}`,
        'plugin.discovery': 'hybrid_warn',
      }
    : { 'plugin.path': debezium, 'plugin.discovery': 'service_load' };
}

async function isHealthy(url: string): Promise<void> {
  const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(3_000) });
  if (!answer.ok) throw new Error(`connect answered ${answer.status}: ${await answer.text()}`);
}
