import type { Kafka } from 'kafkajs';
import { type Db, MongoClient } from 'mongodb';
import { openKafka } from '#kafka/client';
import { DEAD_LETTER_TOPIC } from '#kafka/dead-letter-topic';
import { ensureTopics } from '#kafka/topics';
import { CONTROL_DATABASE } from '#mongo/control/control';
import { systemClock as clock } from '#observability/clock';
import { migrateControl } from '../migrations/control/run.ts';
import type { Supervisor } from '../sandbox/src/process/supervisor.ts';
import type { Log } from '../sandbox/src/progress.ts';
import { DATABASES } from '../sandbox/src/server/mongo-roles.ts';
import type { ServerName } from '../sandbox/src/server/running.ts';
import { type Servers, startServers } from '../sandbox/src/server/servers.ts';

/** The servers of a benchmark, its own and on free ports, and an administrator's way to each. */
export interface Rig {
  readonly servers: Servers;
  readonly supervisor: Supervisor;
  readonly log: Log;
  readonly brokers: string;
  readonly kafka: Kafka;
  /** With the rights that Ficus has. */
  readonly mongoUrl: string;
  readonly rootUrl: string;
  /** Where the documents are. */
  readonly documents: Db;
  readonly database: string;
  readonly close: () => Promise<void>;
}

export async function openRig(given: {
  readonly supervisor: Supervisor;
  readonly log: Log;
  readonly names: readonly ServerName[];
}): Promise<Rig> {
  const { supervisor, log, names } = given;
  const servers = await startServers({ names, log, supervisor });
  const of = (name: string): string => {
    const value = servers.env[name];
    if (value === undefined) throw new Error(`no server gave ${name}`);
    return value;
  };
  const brokers = of('TEST_KAFKA_BROKERS');
  const kafka = openKafka(brokers.split(','), 'bench', () => undefined);
  const root = await MongoClient.connect(of('TEST_MONGO_ROOT_URL'));
  await migrateControl(root.db(CONTROL_DATABASE), { by: 'bench', clock });
  await ensureTopics(kafka, [{ topic: DEAD_LETTER_TOPIC, partitions: 1 }], { clock });
  return {
    ...{ servers, supervisor, log, brokers, kafka },
    mongoUrl: of('TEST_MONGO_URL'),
    rootUrl: of('TEST_MONGO_ROOT_URL'),
    documents: root.db(DATABASES.documents),
    database: DATABASES.documents,
    close: () => root.close(),
  };
}
