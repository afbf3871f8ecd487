import type { Systems } from '#config/systems';
import { FicusError } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import type { LegacyStore } from '#core/ports/legacy-store';
import { openLegacyStore } from '#legacy/open';

/** The legacy systems by name, each opened when it is first asked for. */
export class LegacyStores {
  readonly #systems: Systems;
  readonly #clock: Clock;
  readonly #stores = new Map<string, LegacyStore>();

  constructor(systems: Systems, clock: Clock) {
    this.#systems = systems;
    this.#clock = clock;
  }

  /** @throws FicusError `setting_invalid` when there is no such system. */
  of(name: string): LegacyStore {
    const known = this.#stores.get(name);
    if (known !== undefined) return known;
    const system = this.#systems[name];
    if (system === undefined) {
      throw new FicusError(
        'setting_invalid',
        `a plan names the legacy system ${name}; systems.yaml names ${Object.keys(this.#systems).join(', ')}`,
      );
    }
    const store = openLegacyStore(name, system, this.#clock);
    this.#stores.set(name, store);
    return store;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#stores.values()].map((store) => store.close()));
  }
}
