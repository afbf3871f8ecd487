import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Environment, readEnvironment } from '#config/environment';
import { readSystems, type Systems } from '#config/systems';
import { FicusError } from '#core/errors';
import type { LegacyStore } from '#core/ports/legacy-store';
import { ConnectClient } from '#debezium/connect-client';
import { notificationTopic } from '#debezium/connector-config';
import { openKafka } from '#kafka/client';
import { DeadLetterTopic } from '#kafka/dead-letter-topic';
import { KafkaProgress } from '#kafka/progress';
import { openLegacyStore } from '#legacy/open';
import { openMongo } from '#mongo/connection';
import { openControl } from '#mongo/control/control';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { keyedDigest } from '#observability/digest';
import { openLog } from '#observability/log';
import { BatchApplier } from './batch-applier.ts';
import { ConnectorSteward } from './connector-steward.ts';
import { Mender } from './mender.ts';
import { Meters } from './meters.ts';
import { ReplicatorModule, type ReplicatorParts } from './replicator.module.ts';
import { SnapshotSteward } from './snapshot-steward.ts';
import { Supervisor } from './supervisor.ts';
import { SystemWatch } from './system-watch.ts';

/** Starts a replicator. It comes up whatever is away, and says in readiness what it is waiting for. */
export async function bootstrap(): Promise<NestFastifyApplication> {
  const environment = readEnvironment('replicator');
  const parts = assemble(environment, readSystems(environment.systems));
  const app = await NestFactory.create<NestFastifyApplication>(
    ReplicatorModule.with(parts),
    new FastifyAdapter(),
    {
      logger: ['error', 'warn'],
    },
  );
  app.enableShutdownHooks();
  await app.listen(environment.httpPort, environment.httpHost);
  return app;
}

/** Binds the ports to their adapters. */
function assemble(environment: Environment, systems: Systems): ReplicatorParts {
  const clock = systemClock;
  const log = openLog('replicator', environment.instance, environment.logLevel);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const meters = new Meters(registry);
  const dependencies = new Dependencies(clock);
  const mongo = openMongo(environment.mongoUrl, 'ficus-replicator');
  const control = openControl(mongo, clock);
  const kafka = openKafka(environment.kafkaBrokers, environment.instance, (level, message, fields) =>
    log[level](fields, message),
  );
  const progress = new KafkaProgress(kafka);
  const deadLetterTopic = new DeadLetterTopic(kafka);
  const legacies: LegacyStore[] = [];
  const documents = new MongoDocumentStore(mongo.db(environment.mongoDatabase));
  const digest = keyedDigest(environment.digestKey);
  const snapshotParts = {
    snapshots: control.snapshots,
    instances: control.instances,
    ...{ progress, dependencies, clock, log },
  };

  const openWatch = (name: string): SystemWatch => {
    const system = systems[name];
    if (system === undefined) {
      throw new FicusError(
        'setting_invalid',
        `a plan names the legacy system ${name}; systems.yaml names ${Object.keys(systems).join(', ')}`,
      );
    }
    const legacy = openLegacyStore(name, system, clock);
    legacies.push(legacy);
    const connect = new ConnectClient(system.capture.connect);
    return new SystemWatch(name, system, {
      ...snapshotParts,
      kafka,
      connector: new ConnectorSteward(name, system, { connect, dependencies, clock, log }),
      snapshot: new SnapshotSteward(legacy, notificationTopic(system.capture.topicPrefix), snapshotParts),
      legacy,
      mender: new Mender({ legacy, documents, digest, clock }),
      status: control.status,
      meters,
    });
  };

  const supervisor = new Supervisor({
    ...snapshotParts,
    kafka,
    applier: new BatchApplier(documents, digest),
    deadLetters: control.deadLetters,
    deadLetterTopic,
    unknownColumns: control.unknownColumns,
    status: control.status,
    topics: control.topics,
    units: control.units,
    meters,
    openWatch,
    beat: (plans) =>
      control.instances.beat({
        id: environment.instance,
        app: 'replicator',
        at: new Date(clock.now()).toISOString(),
        plans,
      }),
  });
  const close = async (): Promise<void> => {
    await Promise.allSettled([
      ...legacies.map((legacy) => legacy.close()),
      deadLetterTopic.close(),
      progress.close(),
    ]);
    await mongo.close();
  };
  return { supervisor, dependencies, registry, close };
}
