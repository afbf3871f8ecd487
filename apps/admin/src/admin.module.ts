import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { DependencyState } from '#observability/dependencies';
import { HEALTH, type Health, HealthController, type Readiness } from '#observability/health.controller';
import { type AdminParts, PARTS } from './admin-parts.ts';
import { LettersController } from './letters.controller.ts';
import { RecordsController } from './records.controller.ts';
import { SystemsController } from './systems.controller.ts';
import { UnitsController } from './units.controller.ts';

@Module({})
export class AdminModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: AdminParts;

  constructor(@Inject(PARTS) parts: AdminParts) {
    this.#parts = parts;
  }

  static with(parts: AdminParts): DynamicModule {
    const health: Health = {
      readiness: () => readinessOf(parts.dependencies.states()),
      metrics: parts.registry,
    };
    return {
      module: AdminModule,
      controllers: [
        UnitsController,
        SystemsController,
        LettersController,
        RecordsController,
        HealthController,
      ],
      providers: [
        { provide: PARTS, useValue: parts },
        { provide: HEALTH, useValue: health },
      ],
    };
  }

  onApplicationBootstrap(): void {
    this.#parts.caretaker.start();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#parts.caretaker.stop();
    await this.#parts.close();
  }
}

/** Without the control database nothing works; without Redis only verifications cannot be asked for. */
function readinessOf(dependencies: readonly DependencyState[]): Readiness {
  const isDown = !dependencies.some((one) => one.name === 'mongodb' && one.up);
  const status = isDown ? 'down' : dependencies.every((one) => one.up) ? 'up' : 'degraded';
  return { status, dependencies };
}
