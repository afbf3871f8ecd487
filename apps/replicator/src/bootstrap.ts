import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Environment, readEnvironment } from '#config/environment';
import { type LegacySystem, readSystems, type Systems, slotRules } from '#config/systems';
import { FicusError } from '#core/errors';
import type { SourceSlot } from '#core/ports/capture';
import type { LegacyStore } from '#core/ports/legacy-store';
import { ConnectClient } from '#debezium/connect-client';
import { heartbeatTopic, notificationTopic } from '#debezium/connector-config';
import { RecordDecoder } from '#debezium/decoder';
import { CachedSchemas, ConfluentRegistry } from '#debezium/schema-registry';
import { openKafka } from '#kafka/client';
import { DeadLetterTopic } from '#kafka/dead-letter-topic';
import { KafkaProgress } from '#kafka/progress';
import { openLegacyStore, openSlot } from '#legacy/open';
import { openMongo } from '#mongo/connection';
import { CONTROL_DATABASE, openControl } from '#mongo/control/control';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { keyedDigest } from '#observability/digest';
import { openLog } from '#observability/log';
import { demandMigrated } from '../../../migrations/control/run.ts';
import { BatchApplier } from './batch-applier.ts';
import { CaptureSteward } from './capture-steward.ts';
import { type Connector, ConnectorSteward, type Haltable, type StewardParts } from './connector-steward.ts';
import { ForeignConnector } from './foreign-connector.ts';
import { KeyedApplier } from './keyed-applier.ts';
import { Mender } from './mender.ts';
import { Meters } from './meters.ts';
import { ReplicatorModule, type ReplicatorParts } from './replicator.module.ts';
import { SlotWatch } from './slot-watch.ts';
import { SnapshotSteward } from './snapshot-steward.ts';
import { Supervisor } from './supervisor.ts';
import { Sweeper } from './sweeper.ts';
import { SystemWatch } from './system-watch.ts';
import { KeyedThreads } from './threads/keyed-threads.ts';
import { Truncation } from './truncation.ts';

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
  const legacies = new Map<string, LegacyStore>();
  const slots: SourceSlot[] = [];
  const documents = new MongoDocumentStore(mongo.db(environment.mongoDatabase));
  const digest = keyedDigest(environment.digestKey);
  const own = new KeyedApplier(documents, digest);
  const threads = new KeyedThreads({
    ...{
      mongoUrl: environment.mongoUrl,
      database: environment.mongoDatabase,
      digestKey: environment.digestKey,
    },
    ...{ count: environment.applyThreads, own, log },
  });
  const snapshotParts = {
    snapshots: control.snapshots,
    instances: control.instances,
    sweeper: new Sweeper({ ...control, documents, digest, log }),
    ...{ progress, dependencies, clock, log },
  };

  const sources = new Map<string, Source>();
  const sourceOf = (name: string): Source => {
    const source =
      sources.get(name) ?? openSource(name, systemOf(systems, name), { dependencies, clock, log });
    sources.set(name, source);
    return source;
  };

  const openCapture = (name: string, system: LegacySystem): CaptureSteward => {
    const { connector, haltable } = sourceOf(name);
    const { topicPrefix } = system.capture;
    const slot = openSlot(name, system);
    if (slot !== null) slots.push(slot);
    const watchParts = { captures: control.captures, dependencies, meters, clock, log };
    return new CaptureSteward(name, {
      ...{ instance: environment.instance, captures: control.captures, units: control.units, connector },
      source: slot === null || haltable === null ? null : { slot, connector: haltable },
      watch: slot === null ? null : new SlotWatch(name, slotRules(system), { slot, ...watchParts }),
      mayRenew: slotRules(system).policy === 'resnapshot',
      topics: control.topics,
      isOwn: (topic) =>
        topic === heartbeatTopic(system.kind, topicPrefix) || topic.startsWith(`${topicPrefix}.`),
      ...{ progress, dependencies, clock, log },
    });
  };

  const openWatch = (name: string): SystemWatch => {
    const system = systemOf(systems, name);
    const legacy = openLegacyStore(name, system, clock);
    legacies.set(name, legacy);
    return new SystemWatch(name, system, {
      ...snapshotParts,
      ...sourceOf(name),
      kafka,
      capture: openCapture(name, system),
      captures: control.captures,
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
    applier: new BatchApplier(documents, digest, threads),
    decoderOf: (system) => sourceOf(system).decoder,
    deadLetters: control.deadLetters,
    deadLetterTopic,
    truncation: new Truncation({
      ...{ documents, digest, progress },
      captured: async (system, position) => (await legacies.get(system)?.captured(position)) ?? false,
    }),
    unknownColumns: control.unknownColumns,
    status: control.status,
    topics: control.topics,
    captures: control.captures,
    units: control.units,
    migrated: () => demandMigrated(mongo.db(CONTROL_DATABASE)),
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
      ...[...legacies.values(), ...slots].map((one) => one.close()),
      deadLetterTopic.close(),
      progress.close(),
      threads.close(),
    ]);
    await mongo.close();
  };
  return { supervisor, dependencies, registry, close };
}

function systemOf(systems: Systems, name: string): LegacySystem {
  const system = systems[name];
  if (system !== undefined) return system;
  throw new FicusError(
    'setting_invalid',
    `a plan names the legacy system ${name}; systems.yaml names ${Object.keys(systems).join(', ')}`,
  );
}

/** Where a legacy system's records come from: its connector, and the decoder of what that writes. */
interface Source {
  readonly connector: Connector;
  /** Null: somebody else configures it. */
  readonly haltable: Haltable | null;
  readonly decoder: RecordDecoder;
}

function openSource(name: string, system: LegacySystem, given: Omit<StewardParts, 'connect'>): Source {
  const { connect: address, managed, registry } = system.capture;
  const parts = { ...given, connect: new ConnectClient(address) };
  const own = managed ? new ConnectorSteward(name, system, parts) : null;
  const connector = own ?? new ForeignConnector(name, system, parts);
  const schemas = registry === undefined ? null : new CachedSchemas(new ConfluentRegistry(registry.url));
  return {
    connector,
    haltable: own,
    decoder: new RecordDecoder({ schemas, form: (plan) => connector.form(plan) }),
  };
}
