import { randomUUID } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { expect, vi } from 'vitest';
import { openRedis } from '#jobs/redis';
import { BullVerificationQueue } from '#jobs/verification-queue';
import { type Control, controlOf } from '#mongo/control/control';
import { systemClock as clock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { createAdmin } from '../../../apps/admin/src/admin.ts';
import { Caretaker } from '../../../apps/admin/src/caretaker.ts';
import { Fleet } from '../../../apps/admin/src/fleet.ts';
import { Flip } from '../../../apps/admin/src/flip.ts';
import { measure } from '../../../apps/admin/src/measure.ts';
import { LegacySystems } from '../../../apps/admin/src/systems.ts';
import { migrateControl } from '../../../migrations/control/run.ts';
import { addressOf } from './address.ts';
import { openTestDatabases, type TestDatabases } from './mongo-databases.ts';

export interface AdminAnswer<B> {
  readonly status: number;
  readonly headers: Record<string, unknown>;
  readonly body: B;
}

/** A whole admin app on MongoDB and Redis, with databases of its own, listening to nobody but the test. */
export class AdminRig {
  readonly app: NestFastifyApplication;
  readonly control: Control;
  readonly #databases: TestDatabases;

  private constructor(app: NestFastifyApplication, control: Control, databases: TestDatabases) {
    this.app = app;
    this.control = control;
    this.#databases = databases;
  }

  static async start(instance: string): Promise<AdminRig> {
    const databases = await openTestDatabases();
    const control = controlOf(databases.control, clock);
    const redis = openRedis(addressOf('TEST_REDIS_URL'), () => undefined);
    const prefix = `test-${randomUUID()}`;
    const queue = new BullVerificationQueue({ redis, clock, newId: randomUUID, prefix });
    const dependencies = new Dependencies(clock);
    const log = pino({ level: 'silent' });
    const { units, transitions, instances } = control;
    const flip = new Flip({
      ...{ units, transitions, clock, newId: randomUUID },
      measure: (unit) => measure(unit, { ...control, clock }),
    });
    const app = await createAdmin({
      fleet: new Fleet({ ...control, clock }),
      systems: new LegacySystems({ ...control, clock }),
      ...{ flip, control, queue, dependencies, clock, log, registry: new Registry() },
      caretaker: new Caretaker({
        migrate: () => migrateControl(databases.control, { by: 'test', clock }),
        ...{ flip, instances, dependencies, clock, log, instance },
      }),
      close: async () => {
        await queue.close();
        redis.disconnect();
      },
    });
    await app.init();
    await vi.waitFor(
      async () => expect(await instances.alive('admin', 60_000)).toMatchObject([{ id: instance }]),
      { timeout: 30_000 },
    );
    return new AdminRig(app, control, databases);
  }

  async call<B>(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    url: string,
    body?: unknown,
  ): Promise<AdminAnswer<B>> {
    const payload = body === undefined ? {} : { payload: body as object };
    const answer = await this.app.inject({ method, url, headers: { 'ficus-actor': 'ann' }, ...payload });
    const text = answer.body;
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: (text.startsWith('{') ? JSON.parse(text) : text) as B,
    };
  }

  async stop(): Promise<void> {
    await this.app.close();
    await this.#databases.close();
  }
}
