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
import type { Supervisor } from './supervisor.ts';

export interface ReplicatorParts {
  readonly supervisor: Supervisor;
  readonly dependencies: Dependencies;
  readonly registry: Registry;
  /** Closes what was opened, after the supervisor has stopped. */
  readonly close: () => Promise<void>;
}

const PARTS = Symbol('parts');

@Module({})
export class ReplicatorModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: ReplicatorParts;

  constructor(@Inject(PARTS) parts: ReplicatorParts) {
    this.#parts = parts;
  }

  static with(parts: ReplicatorParts): DynamicModule {
    const health: Health = {
      readiness: () => allOrNothing(parts.dependencies.states()),
      metrics: parts.registry,
    };
    return {
      module: ReplicatorModule,
      controllers: [HealthController],
      providers: [
        { provide: PARTS, useValue: parts },
        { provide: HEALTH, useValue: health },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.#parts.supervisor.run();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#parts.supervisor.stop();
    await this.#parts.close();
  }
}
