import { collectDefaultMetrics, Registry } from 'prom-client';
import type { Environment } from '#config/environment';
import type { Systems } from '#config/systems';
import { openLegacyStore } from '#legacy/open';
import { openMongo } from '#mongo/connection';
import { openControl } from '#mongo/control/control';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { DocumentReader } from './document-reader.ts';
import { DocumentWriter } from './document-writer.ts';
import type { FacadeParts } from './facade.module.ts';
import { LegacyWatch } from './legacy-watch.ts';
import { repeat } from './repeat.ts';
import { Stores } from './stores.ts';
import { POLL_MS, UnitRegistry } from './unit-registry.ts';

const BEAT_MS = 1_000;

/** Binds the ports to their adapters. Opens nothing that must be there: every connection is made at its first use. */
export function assemble(environment: Environment, systems: Systems): FacadeParts {
  const clock = systemClock;
  const log = openLog('facade', environment.instance, environment.logLevel);
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const dependencies = new Dependencies(clock);
  const mongo = openMongo(environment.mongoUrl, 'ficus-facade');
  const control = openControl(mongo, clock);
  const legacy = new Map(
    Object.entries(systems).map(([name, system]) => [name, openLegacyStore(name, system)] as const),
  );
  const stores = new Stores(legacy, new MongoDocumentStore(mongo.db(environment.mongoDatabase)));
  const registry = new UnitRegistry({ units: control.units, dependencies, clock });
  const watch = new LegacyWatch(legacy, dependencies, clock);

  const beat = async (): Promise<void> => {
    const at = new Date(clock.now()).toISOString();
    // A beat that is lost is one that others miss; that MongoDB is away is the registry's to say.
    await control.instances.beat({ id: environment.instance, app: 'facade', at }).catch(() => undefined);
  };
  const ping = (): Promise<void> => watch.round(registry.plans().map((plan) => plan.system));
  return {
    registry,
    reader: new DocumentReader(registry, stores, clock),
    writer: new DocumentWriter(stores),
    dependencies,
    metrics,
    log,
    async run(signal) {
      await Promise.all([
        repeat(() => registry.refresh(), POLL_MS, { clock, signal }),
        repeat(beat, BEAT_MS, { clock, signal }),
        repeat(ping, POLL_MS, { clock, signal }),
      ]);
    },
    async close() {
      await Promise.allSettled([...legacy.values()].map((store) => store.close()));
      await mongo.close();
    },
  };
}
