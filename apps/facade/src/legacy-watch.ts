import type { Clock } from '#core/ports/clock';
import type { LegacyStore } from '#core/ports/legacy-store';
import type { Dependencies } from '#observability/dependencies';
import { BACKOFF } from '#observability/retry';

/** Milliseconds between two pings of a legacy system that answers: it may bill by the statement. */
const CALM_MS = 5_000;

interface Next {
  readonly at: number;
  readonly pause: number;
}

/** Asks each legacy system that a plan names whether it is there, so that readiness can say so. */
export class LegacyWatch {
  readonly #stores: ReadonlyMap<string, LegacyStore>;
  readonly #dependencies: Dependencies;
  readonly #clock: Clock;
  readonly #next = new Map<string, Next>();

  constructor(stores: ReadonlyMap<string, LegacyStore>, dependencies: Dependencies, clock: Clock) {
    this.#stores = stores;
    this.#dependencies = dependencies;
    this.#clock = clock;
  }

  /** Pings what is due. Never throws. */
  async round(systems: Iterable<string>): Promise<void> {
    const now = this.#clock.now();
    const due = [...new Set(systems)].filter((system) => (this.#next.get(system)?.at ?? 0) <= now);
    await Promise.all(due.map((system) => this.#ping(system)));
  }

  async #ping(system: string): Promise<void> {
    const store = this.#stores.get(system);
    const name = `legacy:${system}`;
    if (store === undefined) {
      this.#dependencies.down(name, new Error('a plan names this system and systems.yaml does not'));
      return;
    }
    try {
      await this.#dependencies.watch(name, () => store.ping());
      this.#plan(system, CALM_MS, BACKOFF.firstMs);
    } catch {
      const pause = this.#next.get(system)?.pause ?? BACKOFF.firstMs;
      this.#plan(system, pause, Math.min(pause * 2, BACKOFF.maxMs));
    }
  }

  #plan(system: string, inMs: number, pause: number): void {
    this.#next.set(system, { at: this.#clock.now() + inMs, pause });
  }
}
