import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { savedPort } from '../ports.ts';
import { run } from '../process/run.ts';
import { exists } from '../provision/landing.ts';
import { Daemon } from './daemon.ts';
import { formatProperties, jvmFlags, logFlags } from './jvm.ts';
import type { Running, ServerContext, ServerKind } from './running.ts';

const HEAP_MEGABYTES = 512;

export const kafka: ServerKind = { name: 'kafka', needs: ['java', 'jars'], uses: [], start };

/** One node that is both broker and controller. */
async function start(context: ServerContext): Promise<Running> {
  const { components, dataDir, supervisor } = context;
  const port = await savedPort(join(dataDir, 'port'));
  const controller = await savedPort(join(dataDir, 'controller-port'));
  const data = join(dataDir, 'data');
  const properties = join(dataDir, 'server.properties');
  await writeFile(properties, formatProperties(brokerProperties({ port, controller, data })));
  const java = (...more: string[]) => [
    ...jvmFlags(HEAP_MEGABYTES),
    ...logFlags('warn'),
    ...['-cp', components.classPath('kafka'), ...more],
  ];
  if (!(await exists(join(data, 'meta.properties')))) {
    const args = java('kafka.tools.StorageTool', 'format', '-t', clusterId(), '-c', properties);
    await run(supervisor, { name: 'kafka storage format', command: components.java, args });
  }
  const brokers = `127.0.0.1:${port}`;
  const daemon = new Daemon(
    {
      name: 'kafka',
      env: { TEST_KAFKA_BROKERS: brokers },
      process: {
        command: components.java,
        args: java('kafka.Kafka', properties),
        cwd: dataDir,
        logFile: join(dataDir, 'kafka.log'),
      },
      health: () => hasBroker(brokers),
    },
    supervisor,
  );
  await daemon.restart();
  return daemon;
}

/** A Kafka Uuid: 16 bytes as base64url. One that began with a dash would be taken for an option. */
function clusterId(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString('base64url');
}

export function brokerProperties(at: {
  port: number;
  controller: number;
  data: string;
}): Record<string, string | number | boolean> {
  return {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${at.controller}`,
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    listeners: `PLAINTEXT://127.0.0.1:${at.port},CONTROLLER://127.0.0.1:${at.controller}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${at.port}`,
    'log.dirs': at.data,
    // A topic that nobody planned is a mistake, and must fail as one.
    'auto.create.topics.enable': false,
    'num.partitions': 3,
    'default.replication.factor': 1,
    'group.initial.rebalance.delay.ms': 0,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 3,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'log.cleaner.dedupe.buffer.size': 16_777_216,
    // Two cores serve the whole estate.
    'num.network.threads': 2,
    'num.io.threads': 4,
    // A broker that was killed is let in again once the session of its former life has run out.
    'broker.heartbeat.interval.ms': 500,
    'broker.session.timeout.ms': 5_000,
    'controlled.shutdown.enable': false,
  };
}

async function hasBroker(brokers: string): Promise<void> {
  const client = new Kafka({
    clientId: 'ficus-sandbox',
    brokers: [brokers],
    connectionTimeout: 1_000,
    requestTimeout: 3_000,
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length === 0) throw new Error('kafka has no broker registered yet');
  } finally {
    await admin.disconnect();
  }
}
