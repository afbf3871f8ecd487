import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Registry } from 'prom-client';
import { FicusError } from '#core/errors';
import type { Phase } from '#core/phase';
import type { Plan } from '#core/plan';
import type { UnitStore } from '#core/ports/control';
import type { Unit } from '#core/unit-state';
import { Dependencies } from '#observability/dependencies';
import { openLog } from '#observability/log';
import { DocumentReader } from '../../../apps/facade/src/document-reader.ts';
import { DocumentWriter } from '../../../apps/facade/src/document-writer.ts';
import { createFacade } from '../../../apps/facade/src/facade.ts';
import { Stores } from '../../../apps/facade/src/stores.ts';
import { UnitRegistry } from '../../../apps/facade/src/unit-registry.ts';
import { HandClock } from './hand-clock.ts';
import { MemoryLegacyStore } from './memory-legacy-store.ts';
import { ordersPlan } from './orders-plan.ts';

export interface Sent {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

export interface Given {
  /** An object is sent as JSON, text and bytes as they stand. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A unit as a registry reads it, with a replication that reported just now. */
export function aUnit(plan: Plan, phase: Phase, at: string, lagMs: number | null = 0): Unit {
  const { unit } = plan;
  return {
    plan,
    planVersion: 1,
    snapshotWanted: [],
    replaced: 0,
    state: { unit, phase, epoch: 1, term: 1, revision: 1, since: at, transition: null },
    replication: {
      unit,
      planVersion: 1,
      at,
      lagMs,
      backlog: 0,
      snapshot: { complete: true, rows: 0, total: 0, startedAt: null, completedAt: null },
      counts: { applied: 0, unchanged: 0, stale: 0, recheck: 0, deadLetters: 0 },
    },
  };
}

/** The facade on stores in memory and a clock that stands still: everything of it but its adapters. */
export class FacadeRig {
  readonly clock = new HandClock();
  readonly legacy = new MemoryLegacyStore(ordersPlan);
  readonly mongodb = new MemoryLegacyStore(ordersPlan);
  readonly registry: UnitRegistry;
  readonly #dependencies = new Dependencies(this.clock);
  /** Null: the control database is away. */
  #units: readonly Unit[] | null = [];
  #app: NestFastifyApplication | null = null;

  private constructor() {
    const readAll = async (): Promise<readonly Unit[]> => {
      if (this.#units === null)
        throw new FicusError('mongo_unavailable', 'MongoDB: gone', { retryable: true });
      return this.#units;
    };
    const units: UnitStore = {
      readAll,
      read: async (name) => (await readAll()).find(({ plan }) => plan.unit === name) ?? null,
      advance: () => Promise.reject(new Error('a facade changes no state')),
      readAgain: () => Promise.reject(new Error('a facade changes no state')),
      openEpochs: () => Promise.reject(new Error('a facade changes no state')),
    };
    this.registry = new UnitRegistry({ units, dependencies: this.#dependencies, clock: this.clock });
  }

  /** With unit `orders` and the read-only unit `archive`, both in phase legacy. */
  static async start(): Promise<FacadeRig> {
    const rig = new FacadeRig();
    await rig.flip(
      rig.unit('legacy'),
      aUnit({ ...ordersPlan, unit: 'archive', mode: 'R' }, 'legacy', rig.clock.iso()),
    );
    const stores = new Stores(new Map([[ordersPlan.system, rig.legacy]]), rig.mongodb);
    const app = await createFacade({
      registry: rig.registry,
      reader: new DocumentReader(rig.registry, stores, rig.clock),
      writer: new DocumentWriter(stores),
      dependencies: rig.#dependencies,
      metrics: new Registry(),
      log: openLog('facade', 'test', 'silent'),
      run: async () => undefined,
      close: async () => undefined,
    });
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    rig.#app = app;
    return rig;
  }

  unit(phase: Phase, lagMs: number | null = 0): Unit {
    return aUnit(ordersPlan, phase, this.clock.iso(), lagMs);
  }

  async flip(...units: readonly Unit[]): Promise<void> {
    this.#units = units;
    await this.registry.refresh();
  }

  async loseControl(): Promise<void> {
    this.#units = null;
    await this.registry.refresh();
  }

  async send(method: string, url: string, given: Given = {}): Promise<Sent> {
    if (this.#app === null) throw new Error('the rig is not started');
    const { body } = given;
    const isRaw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body);
    const payload = isRaw ? body : JSON.stringify(body);
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const headers = { ...(payload === undefined ? {} : { 'content-type': type }), ...given.headers };
    const request = { method: method as 'GET', url, headers };
    const sent = await this.#app.inject(payload === undefined ? request : { ...request, payload });
    return { status: sent.statusCode, headers: sent.headers, body: sent.body };
  }

  async stop(): Promise<void> {
    await this.#app?.close();
  }
}
