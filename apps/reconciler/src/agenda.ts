import { reasonOf } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import type { InstanceStore, UnitStore, VerificationQueue, VerificationStore } from '#core/ports/control';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';

export interface AgendaParts {
  readonly units: UnitStore;
  readonly verifications: VerificationStore;
  readonly instances: InstanceStore;
  readonly queue: VerificationQueue;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
  readonly log: Logger;
  /** Names this process. */
  readonly instance: string;
}

/** Changed plans are followed, and lost runs found, within this time. */
const ROUND_MS = 1_000;
const ROUNDS_PER_ADOPTION = 5;

/**
 * Keeps the queue in step with the control database, which is the one that remembers: schedules are those of the
 * plans, and every run that has not ended stands in the queue, also after Redis lost it or a worker gave it back.
 */
export class Agenda {
  readonly #parts: AgendaParts;
  readonly #stopping = new AbortController();
  #scheduled: string | null = null;
  #round = 0;
  #running: Promise<void> = Promise.resolve();

  constructor(parts: AgendaParts) {
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
    const { clock, log } = this.#parts;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#keep();
      } catch (error) {
        log.warn(`agenda: ${reasonOf(error)}`);
      }
      await clock.sleep(ROUND_MS, this.#stopping.signal);
    }
  }

  async #keep(): Promise<void> {
    const { clock, dependencies, instance, instances, queue, units } = this.#parts;
    const at = new Date(clock.now()).toISOString();
    const found = await dependencies.watch('mongodb', async () => {
      await instances.beat({ id: instance, app: 'reconciler', at, plans: {} });
      return await units.readAll();
    });
    const schedules = found.map(({ plan }) => ({ unit: plan.unit, cron: plan.reconcile.schedule }));
    const wanted = JSON.stringify(schedules);
    if (wanted !== this.#scheduled) {
      await dependencies.watch('redis', () => queue.schedule(schedules));
      this.#scheduled = wanted;
    }
    if (this.#round++ % ROUNDS_PER_ADOPTION === 0) await this.#adopt();
  }

  async #adopt(): Promise<void> {
    const { dependencies, queue, verifications } = this.#parts;
    const open = await dependencies.watch('mongodb', () => verifications.unfinished());
    for (const run of open) await dependencies.watch('redis', () => queue.ensure(run));
  }
}
