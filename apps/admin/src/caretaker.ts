import { reasonOf } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import type { InstanceStore } from '#core/ports/control';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { Flip } from './flip.ts';

export interface CaretakerParts {
  readonly flip: Flip;
  /** Brings the control database up to date; harmless to repeat. */
  readonly migrate: () => Promise<unknown>;
  readonly instances: InstanceStore;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names this process. */
  readonly instance: string;
}

const ROUND_MS = 1_000;

/** What the admin app does unasked: migrates the control database once, beats, and ends flips that a crash left. */
export class Caretaker {
  readonly #parts: CaretakerParts;
  readonly #stopping = new AbortController();
  #migrated = false;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: CaretakerParts) {
    this.#parts = parts;
  }

  /** Returns at once. */
  start(): void {
    this.#running = this.#repeat();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #repeat(): Promise<void> {
    const { clock, dependencies, log } = this.#parts;
    while (!this.#stopping.signal.aborted) {
      try {
        await dependencies.watch('mongodb', () => this.#round());
      } catch (error) {
        log.warn(`caretaker: ${reasonOf(error)}`);
      }
      await clock.sleep(ROUND_MS, this.#stopping.signal);
    }
  }

  async #round(): Promise<void> {
    const { clock, flip, instance, instances, log, migrate } = this.#parts;
    if (!this.#migrated) await migrate();
    this.#migrated = true;
    await instances.beat({ id: instance, app: 'admin', at: new Date(clock.now()).toISOString(), plans: {} });
    for (const { id, state } of await flip.recover())
      log.warn({ transition: id }, `a flip that was left running is now ${state}`);
  }
}
