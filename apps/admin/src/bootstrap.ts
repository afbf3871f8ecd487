import { randomUUID } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { type Environment, readEnvironment } from '#config/environment';
import { openRedis } from '#jobs/redis';
import { BullVerificationQueue } from '#jobs/verification-queue';
import { openMongo } from '#mongo/connection';
import { CONTROL_DATABASE, openControl } from '#mongo/control/control';
import { systemClock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { migrateControl } from '../../../migrations/control/run.ts';
import { createAdmin } from './admin.ts';
import type { AdminParts } from './admin-parts.ts';
import { Caretaker } from './caretaker.ts';
import { Fleet } from './fleet.ts';
import { Flip } from './flip.ts';
import { measure } from './measure.ts';
import { LegacySystems } from './systems.ts';

/** Starts an admin endpoint. It comes up whatever is away, and says in readiness what it is waiting for. */
export async function bootstrap(): Promise<NestFastifyApplication> {
  const environment = readEnvironment('admin');
  const app = await createAdmin(assemble(environment));
  app.enableShutdownHooks();
  await app.listen(environment.httpPort, environment.httpHost);
  return app;
}

/** Binds the ports to their adapters. */
function assemble({ instance, logLevel, mongoUrl, redisUrl }: Environment): AdminParts {
  const clock = systemClock;
  const log = openLog('admin', instance, logLevel);
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const dependencies = new Dependencies(clock);
  const redis = openRedis(redisUrl, (trouble) =>
    trouble === null ? dependencies.up('redis') : dependencies.down('redis', trouble),
  );
  const mongo = openMongo(mongoUrl, 'ficus-admin');
  const control = openControl(mongo, clock);
  const queue = new BullVerificationQueue({ redis, clock, newId: randomUUID });
  const flip = new Flip({
    units: control.units,
    transitions: control.transitions,
    measure: (unit) => measure(unit, { ...control, clock }),
    clock,
    newId: randomUUID,
  });
  const migrate = () => migrateControl(mongo.db(CONTROL_DATABASE), { by: instance, clock });
  const close = async (): Promise<void> => {
    await queue.close();
    redis.disconnect();
    await mongo.close();
  };
  return {
    fleet: new Fleet({ ...control, clock }),
    flip,
    systems: new LegacySystems({ ...control, clock }),
    control,
    queue,
    caretaker: new Caretaker({
      flip,
      migrate,
      instances: control.instances,
      dependencies,
      clock,
      log,
      instance,
    }),
    dependencies,
    registry,
    clock,
    log,
    close,
  };
}
