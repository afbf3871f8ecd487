import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Environment } from '#config/environment';
import type { Systems } from '#config/systems';
import type { Clock } from '#core/ports/clock';
import type { InstanceStore, UnitStore } from '#core/ports/control';
import type { DocumentStore } from '#core/ports/document-store';
import type { LegacyStore } from '#core/ports/legacy-store';
import { openLegacyStore } from '#legacy/open';
import { openMongo } from '#mongo/connection';
import { openControl } from '#mongo/control/control';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { type Logger, openLog } from '#observability/log';
import { untilItWorks } from '#observability/retry';
import { DocumentReader } from './document-reader.ts';
import { DocumentWriter } from './document-writer.ts';
import type { FacadeParts } from './facade-parts.ts';
import { LegacyWatch } from './legacy-watch.ts';
import { repeat } from './repeat.ts';
import { Stores } from './stores.ts';
import { POLL_MS, UnitRegistry } from './unit-registry.ts';

const BEAT_MS = 1_000;

/** What a facade stands on. */
export interface Adapters {
  readonly instance: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly units: UnitStore;
  readonly instances: InstanceStore;
  readonly documents: DocumentStore;
  /** By the name of the system. */
  readonly legacy: ReadonlyMap<string, LegacyStore>;
  /** Makes MongoDB's first connection; called again until it has worked once. */
  readonly connect: () => Promise<unknown>;
  readonly close: () => Promise<void>;
}

/** Opens nothing that must be there: every connection is made at its first use. */
export function openAdapters(environment: Environment, systems: Systems): Adapters {
  const clock = systemClock;
  const mongo = openMongo(environment.mongoUrl, 'ficus-facade');
  const { units, instances } = openControl(mongo, clock);
  const legacy = new Map(
    Object.entries(systems).map(([name, system]) => [name, openLegacyStore(name, system, clock)] as const),
  );
  return {
    instance: environment.instance,
    clock,
    log: openLog('facade', environment.instance, environment.logLevel),
    units,
    instances,
    documents: new MongoDocumentStore(mongo.db(environment.mongoDatabase)),
    legacy,
    connect: () => mongo.connect(),
    async close() {
      await Promise.allSettled([...legacy.values()].map((store) => store.close()));
      await mongo.close();
    },
  };
}

/** Builds the facade on its adapters. */
export function assemble(adapters: Adapters): FacadeParts {
  const { instance, clock, units, instances, documents, legacy } = adapters;
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const dependencies = new Dependencies(clock);
  const registry = new UnitRegistry({ units, dependencies, clock });
  const stores = new Stores(legacy, documents);
  const watch = new LegacyWatch(legacy, dependencies, clock);

  const beat = async (): Promise<void> => {
    const at = new Date(clock.now()).toISOString();
    // A beat that is lost is one that others miss; that MongoDB is away is the registry's to say.
    await instances.beat({ id: instance, app: 'facade', at, plans: {} }).catch(() => undefined);
  };
  /** The driver mends every lost connection but a first one that failed: that client would stay closed for ever. */
  const connect = async (signal: AbortSignal): Promise<void> => {
    const failed = (error: unknown): void => dependencies.down('mongodb', error);
    await untilItWorks(adapters.connect, { clock, signal, failed }).catch(() => undefined);
  };
  const ping = (): Promise<void> => watch.round(registry.plans().map((plan) => plan.system));
  return {
    registry,
    reader: new DocumentReader(registry, stores, clock),
    writer: new DocumentWriter(stores),
    dependencies,
    metrics,
    log: adapters.log,
    async run(signal) {
      await Promise.all([
        connect(signal),
        repeat(() => registry.refresh(), POLL_MS, { clock, signal }),
        repeat(beat, BEAT_MS, { clock, signal }),
        repeat(ping, POLL_MS, { clock, signal }),
      ]);
    },
    close: adapters.close,
  };
}
