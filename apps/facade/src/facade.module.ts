import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { HEALTH, type Health, HealthController } from '#observability/health.controller';
import { DocumentsController } from './documents.controller.ts';
import type { FacadeParts } from './facade-parts.ts';
import { readinessOf } from './readiness.ts';
import { PARTS } from './tokens.ts';

@Module({})
export class FacadeModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: FacadeParts;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(@Inject(PARTS) parts: FacadeParts) {
    this.#parts = parts;
  }

  static with(parts: FacadeParts): DynamicModule {
    const { registry, dependencies, metrics } = parts;
    const health: Health = {
      readiness: () => readinessOf(registry.known, dependencies.states()),
      metrics,
    };
    return {
      module: FacadeModule,
      controllers: [DocumentsController, HealthController],
      providers: [
        { provide: PARTS, useValue: parts },
        { provide: HEALTH, useValue: health },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.#running = this.#parts.run(this.#stop.signal);
  }

  async onApplicationShutdown(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    await this.#parts.close();
  }
}
