import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { Dependencies } from '#observability/dependencies';
import { HealthController } from './health.controller.ts';
import type { Reconciler } from './reconciler.ts';
import { DEPENDENCIES, PARTS, REGISTRY } from './tokens.ts';

export interface ReconcilerModuleParts {
  readonly reconciler: Reconciler;
  readonly dependencies: Dependencies;
  readonly registry: Registry;
  /** Closes what was opened, after the reconciler has stopped. */
  readonly close: () => Promise<void>;
}

@Module({})
export class ReconcilerModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: ReconcilerModuleParts;

  constructor(@Inject(PARTS) parts: ReconcilerModuleParts) {
    this.#parts = parts;
  }

  static with(parts: ReconcilerModuleParts): DynamicModule {
    return {
      module: ReconcilerModule,
      controllers: [HealthController],
      providers: [
        { provide: PARTS, useValue: parts },
        { provide: DEPENDENCIES, useValue: parts.dependencies },
        { provide: REGISTRY, useValue: parts.registry },
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
