import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Environment, readEnvironment } from '#config/environment';
import { readSystems, type Systems } from '#config/systems';
import { reasonOf } from '#core/errors';
import { openRedis } from '#jobs/redis';
import { BullVerificationQueue } from '#jobs/verification-queue';
import { BullVerificationWorker } from '#jobs/verification-worker';
import { openKafka } from '#kafka/client';
import { KafkaProgress } from '#kafka/progress';
import { openMongo } from '#mongo/connection';
import { openControl } from '#mongo/control/control';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { Agenda } from './agenda.ts';
import { FullScan } from './full-scan.ts';
import { LegacyStores } from './legacy-stores.ts';
import { Meters } from './meters.ts';
import { ReconcilerModule, type ReconcilerModuleParts } from './reconciler.module.ts';
import { Reconciler } from './reconciler.ts';
import { PositionWatermark } from './watermark.ts';

/** Starts a reconciler. It comes up whatever is away, and says in readiness what it is waiting for. */
export async function bootstrap(): Promise<NestFastifyApplication> {
  const environment = readEnvironment('reconciler');
  const parts = assemble(environment, readSystems(environment.systems));
  const app = await NestFactory.create<NestFastifyApplication>(
    ReconcilerModule.with(parts),
    new FastifyAdapter(),
    { logger: ['error', 'warn'] },
  );
  app.enableShutdownHooks();
  await app.listen(environment.httpPort, environment.httpHost);
  return app;
}

/** Binds the ports to their adapters. */
function assemble(environment: Environment, systems: Systems): ReconcilerModuleParts {
  const clock = systemClock;
  const { instance } = environment;
  const log = openLog('reconciler', instance, environment.logLevel);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const dependencies = new Dependencies(clock);
  const heard = (trouble: Error | null): void =>
    trouble === null ? dependencies.up('redis') : dependencies.down('redis', trouble);
  const redis = openRedis(environment.redisUrl, heard);
  const mongo = openMongo(environment.mongoUrl, 'ficus-reconciler');
  const { units, verifications, instances } = openControl(mongo, clock);
  const kafka = openKafka(environment.kafkaBrokers, instance, (level, message, fields) =>
    log[level](fields, message),
  );
  const progress = new KafkaProgress(kafka);
  const legacies = new LegacyStores(systems, clock);
  const legacyOf = (system: string) => legacies.of(system);
  const stopping = new AbortController();
  const queue = new BullVerificationQueue({ redis, clock, newId: randomUUID });
  const reconciler = new Reconciler({
    agenda: new Agenda({ units, verifications, instances, queue, dependencies, clock, log, instance }),
    scan: new FullScan({
      units,
      verifications,
      documents: new MongoDocumentStore(mongo.db(environment.mongoDatabase)),
      watermark: new PositionWatermark({ units, legacyOf, progress, clock, signal: stopping.signal }),
      legacyOf,
      dependencies,
      clock,
      log,
    }),
    meters: new Meters(registry),
    openWorker: (handle) =>
      new BullVerificationWorker({
        redis,
        handle,
        trouble: (error) => log.warn(`verification worker: ${reasonOf(error)}`),
      }),
    stopping,
  });
  const close = async (): Promise<void> => {
    await Promise.allSettled([queue.close(), legacies.close(), progress.close()]);
    redis.disconnect();
    await mongo.close();
  };
  return { reconciler, dependencies, registry, close };
}
