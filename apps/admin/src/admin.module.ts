import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { type AdminParts, PARTS } from './admin-parts.ts';
import { HealthController } from './health.controller.ts';
import { RecordsController } from './records.controller.ts';
import { UnitsController } from './units.controller.ts';

@Module({})
export class AdminModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: AdminParts;

  constructor(@Inject(PARTS) parts: AdminParts) {
    this.#parts = parts;
  }

  static with(parts: AdminParts): DynamicModule {
    return {
      module: AdminModule,
      controllers: [UnitsController, RecordsController, HealthController],
      providers: [{ provide: PARTS, useValue: parts }],
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
