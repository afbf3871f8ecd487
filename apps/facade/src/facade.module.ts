import {
  type DynamicModule,
  Inject,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { DocumentReader } from './document-reader.ts';
import type { DocumentWriter } from './document-writer.ts';
import { DocumentsController } from './documents.controller.ts';
import { HealthController } from './health.controller.ts';
import { PARTS } from './tokens.ts';
import type { UnitRegistry } from './unit-registry.ts';

export interface FacadeParts {
  readonly registry: UnitRegistry;
  readonly reader: DocumentReader;
  readonly writer: DocumentWriter;
  readonly dependencies: Dependencies;
  readonly metrics: Registry;
  readonly log: Logger;
  /** What goes on in the background; ends when the signal is aborted. */
  readonly run: (signal: AbortSignal) => Promise<void>;
  /** Closes what was opened, after the last request and after `run`. */
  readonly close: () => Promise<void>;
}

@Module({})
export class FacadeModule implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: FacadeParts;
  readonly #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor(@Inject(PARTS) parts: FacadeParts) {
    this.#parts = parts;
  }

  static with(parts: FacadeParts): DynamicModule {
    return {
      module: FacadeModule,
      controllers: [DocumentsController, HealthController],
      providers: [{ provide: PARTS, useValue: parts }],
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
