import { reasonOf } from '#core/errors';
import { topicsOf } from '#core/plan';
import type { UnitStore } from '#core/ports/control';
import type { Unit } from '#core/unit-state';
import { ForwardLeg, type LegParts } from './forward-leg.ts';
import type { SystemWatch } from './system-watch.ts';

export interface SupervisorParts extends LegParts {
  readonly units: UnitStore;
  /** @throws FicusError while the control database is not what this version of Ficus takes it for. */
  readonly migrated: () => Promise<void>;
  /** Opens the watch of a named legacy system. @throws FicusError `setting_invalid` when there is no such system. */
  readonly openWatch: (system: string) => SystemWatch;
  /** Beats, so that others know that this process lives and which versions of the plans it goes by, by unit. */
  readonly beat: (plans: Readonly<Record<string, number>>) => Promise<void>;
}

/** A new plan, term or epoch is adopted within this time. */
const ROUND_MS = 500;

/** Runs a leg for each applied unit and a watch for each legacy system, and follows every change of them. */
export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #legs = new Map<string, ForwardLeg>();
  readonly #watches = new Map<string, SystemWatch>();
  readonly #stopping = new AbortController();
  #rounds: Promise<void>[] = [];
  #isMigrated = false;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
  }

  run(): void {
    if (this.#rounds.length > 0) return;
    this.#rounds = [this.#repeat(() => this.#followUnits()), this.#repeat(() => this.#tendSystems())];
  }

  /** Stops after the batches in hand are written and committed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all(this.#rounds);
    await Promise.all([...this.#legs.values(), ...this.#watches.values()].map((one) => one.stop()));
  }

  async #repeat(round: () => Promise<void>): Promise<void> {
    const { clock, log } = this.#parts;
    while (!this.#stopping.signal.aborted) {
      try {
        await round();
      } catch (error) {
        log.warn(`supervisor: ${reasonOf(error)}`);
      }
      await clock.sleep(ROUND_MS, this.#stopping.signal);
    }
  }

  async #followUnits(): Promise<void> {
    // What has run stays so.
    if (!this.#isMigrated) await this.#parts.dependencies.watch('migrations', () => this.#parts.migrated());
    this.#isMigrated = true;
    const units = await this.#parts.dependencies.watch('mongodb', () => this.#parts.units.readAll());
    for (const unit of units) {
      const leg = this.#legs.get(unit.plan.unit);
      if (leg !== undefined && leg.topics.join() === topicsOf(unit.plan).join()) {
        leg.adopt(unit);
        void leg.tendLetters();
        continue;
      }
      await leg?.stop();
      const started = new ForwardLeg(unit, this.#parts);
      this.#legs.set(unit.plan.unit, started);
      started.start();
    }
    for (const [name, leg] of this.#legs) {
      if (units.some((unit) => unit.plan.unit === name)) continue;
      this.#legs.delete(name);
      await leg.stop();
    }
    await this.#parts.beat(
      Object.fromEntries(units.map(({ plan, planVersion }) => [plan.unit, planVersion])),
    );
  }

  /** In parallel: a system that is away must not hold up the others. */
  async #tendSystems(): Promise<void> {
    const units = [...this.#legs.values()].map((leg) => leg.unit);
    const bySystem = Map.groupBy(units, (unit) => unit.plan.system);
    await Promise.all([...bySystem].map(([system, own]) => this.#tendSystem(system, own)));
  }

  async #tendSystem(system: string, units: readonly Unit[]): Promise<void> {
    const { dependencies } = this.#parts;
    try {
      let watch = this.#watches.get(system);
      if (watch === undefined) {
        watch = this.#parts.openWatch(system);
        this.#watches.set(system, watch);
        watch.start();
      }
      await watch.tend(units);
    } catch (error) {
      dependencies.down(`system:${system}`, error);
    }
  }
}
