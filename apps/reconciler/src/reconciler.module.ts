import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { Dependencies } from '#observability/dependencies';
import { allOrNothing, HEALTH, type Health, HealthController } from '#observability/health.controller';
import type { Reconciler } from './reconciler.ts';

export interface ReconcilerModuleParts {
  readonly reconciler: Reconciler;
  readonly dependencies: Dependencies;
  readonly registry: Registry;
  /** Closes what was opened, after the reconciler has stopped. */
  readonly close: () => Promise<void>;
}

const PARTS = Symbol('parts');

@Module({})
export class ReconcilerModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: ReconcilerModuleParts;

  constructor(@Inject(PARTS) parts: ReconcilerModuleParts) {
    this.#parts = parts;
  }

  static with(parts: ReconcilerModuleParts): DynamicModule {
    const health: Health = {
      readiness: () => allOrNothing(parts.dependencies.states()),
      metrics: parts.registry,
    };
    return {
      module: ReconcilerModule,
      controllers: [HealthController],
      providers: [
        { provide: PARTS, useValue: parts },
        { provide: HEALTH, useValue: health },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.#parts.reconciler.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#parts.reconciler.stop();
    await this.#parts.close();
  }
}
