import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { savedPort } from '../ports.ts';
import type { Components } from '../provision/provision.ts';
import { Daemon } from './daemon.ts';
import { formatProperties, jvmFlags, logFlags } from './jvm.ts';
import type { Running, ServerContext, ServerKind } from './running.ts';

const HEAP_MEGABYTES = 512;
const CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

const GROUP = {
  'group.id': 'connect',
  'config.storage.topic': 'connect.configs',
  'offset.storage.topic': 'connect.offsets',
  'status.storage.topic': 'connect.status',
  'config.storage.replication.factor': 1,
  'offset.storage.replication.factor': 1,
  'status.storage.replication.factor': 1,
  'offset.storage.partitions': 1,
  'status.storage.partitions': 1,
  // A worker that was killed is let in again once the session of its former life has run out, and works at once.
  'session.timeout.ms': 6_000,
  'heartbeat.interval.ms': 2_000,
  'scheduled.rebalance.max.delay.ms': 0,
};

/**
 * ms; by default 5 s. A worker that cannot reach Kafka stops its tasks, and gives up one that has not stopped by then, which
 * none does before Kafka is back. Debezium's task then never ends: its `stop` first asks for offsets, which are refused to a
 * task that was given up, so it keeps the slot until the worker is started anew.
 */
const GRACE_MS = 600_000;

export const connect: ServerKind = { name: 'connect', needs: ['java', 'jars'], uses: ['kafka'], start };

/**
 * Kafka Connect with Debezium's connectors, a group of one worker: connectors and their source offsets are kept in Kafka.
 * Its standalone mode locks itself for good when one connector is resumed while another is stopped, configured or given
 * its tasks: `resumeConnector` takes the store's lock before the herder's, all else the other way round, of which
 * KAFKA-16051 mended a part.
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
      ...GROUP,
      'task.shutdown.graceful.timeout.ms': GRACE_MS,
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
            'org.apache.kafka.connect.cli.ConnectDistributed',
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
