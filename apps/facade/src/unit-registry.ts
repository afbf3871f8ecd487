import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type { UnitStore } from '#core/ports/control';
import type { Unit } from '#core/unit-state';
import type { Dependencies } from '#observability/dependencies';

/** Often enough that every facade sees a flip well within a second. */
export const POLL_MS = 250;
/** A MongoDB that has answered no poll for so long is taken for dead, before each read has found out by itself. */
const SILENCE_MS = 2_000;

export interface RegistryParts {
  readonly units: UnitStore;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
}

/**
 * The units as this facade knows them: plans and states, read from the control database all the time. While MongoDB
 * is away the last known state stays in force, so that units in phase `legacy` are served on. That is safe in the
 * phases whose authority is legacy, the only ones built: a stale facade then reads and writes where it always may.
 */
export class UnitRegistry {
  readonly #parts: RegistryParts;
  #units: ReadonlyMap<string, Unit> | null = null;
  #answeredAt = Number.NEGATIVE_INFINITY;

  constructor(parts: RegistryParts) {
    this.#parts = parts;
    parts.dependencies.down('mongodb', new Error('it has not answered yet'));
  }

  /** One poll. Never throws: readiness says what is wrong. */
  async refresh(): Promise<void> {
    const { units, dependencies, clock } = this.#parts;
    try {
      const found = await dependencies.watch('mongodb', () => units.readAll());
      this.#units = new Map(found.map((unit) => [unit.plan.unit, unit]));
      this.#answeredAt = clock.now();
    } catch {
      // The dependency is marked as down; the next poll comes in a moment.
    }
  }

  get known(): boolean {
    return this.#units !== null;
  }

  /** Has MongoDB answered lately? */
  get mongodbAnswers(): boolean {
    return this.#parts.clock.now() - this.#answeredAt <= SILENCE_MS;
  }

  plans(): readonly Plan[] {
    return [...(this.#units?.values() ?? [])].map((unit) => unit.plan);
  }

  has(name: string): boolean {
    return this.#units?.has(name) ?? false;
  }

  /** @throws FicusError `unit_unknown` naming those there are, or `mongo_unavailable` before the first answer. */
  unit(name: string): Unit {
    if (this.#units === null)
      throw new FicusError(
        'mongo_unavailable',
        'the units are not known yet: MongoDB has not answered since the start',
        {
          retryable: true,
        },
      );
    const unit = this.#units.get(name);
    if (unit !== undefined) return unit;
    const names = [...this.#units.keys()].join(', ') || 'none yet';
    throw new FicusError('unit_unknown', `there is no unit "${name}"; there are: ${names}`);
  }
}
