import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { Clock } from '#core/ports/clock';
import type {
  DeadLetterStore,
  TransitionStore,
  VerificationQueue,
  VerificationStore,
} from '#core/ports/control';
import type { UnknownColumnStore } from '#core/ports/replication';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { Caretaker } from './caretaker.ts';
import type { Fleet } from './fleet.ts';
import type { Flip } from './flip.ts';
import { HealthController } from './health.controller.ts';
import { RecordsController } from './records.controller.ts';
import { PARTS } from './tokens.ts';
import { UnitsController } from './units.controller.ts';

export interface AdminParts {
  readonly fleet: Fleet;
  readonly flip: Flip;
  readonly control: {
    readonly transitions: TransitionStore;
    readonly verifications: VerificationStore;
    readonly deadLetters: DeadLetterStore;
    readonly unknownColumns: UnknownColumnStore;
  };
  readonly queue: VerificationQueue;
  readonly caretaker: Caretaker;
  readonly dependencies: Dependencies;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Logger;
  /** Closes what was opened, after the caretaker has stopped. */
  readonly close: () => Promise<void>;
}

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
