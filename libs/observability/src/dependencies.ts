import { reasonOf } from '#core/errors';
import type { Clock } from '#core/ports/clock';

export interface DependencyState {
  readonly name: string;
  readonly up: boolean;
  /** ISO 8601 UTC since when it is so. */
  readonly since: string;
  readonly reason: string | null;
}

/** What a process depends on and whether it answers: the body of `/health/ready`. */
export class Dependencies {
  readonly #clock: Clock;
  readonly #states = new Map<string, DependencyState>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  up(name: string): void {
    this.#set(name, true, null);
  }

  down(name: string, error: unknown): void {
    this.#set(name, false, reasonOf(error));
  }

  /** Runs a call against a dependency and remembers how it went. */
  async watch<T>(name: string, call: () => Promise<T>): Promise<T> {
    try {
      const result = await call();
      this.up(name);
      return result;
    } catch (error) {
      this.down(name, error);
      throw error;
    }
  }

  states(): readonly DependencyState[] {
    return [...this.#states.values()];
  }

  #set(name: string, up: boolean, reason: string | null): void {
    const known = this.#states.get(name);
    const since = known?.up === up ? known.since : new Date(this.#clock.now()).toISOString();
    this.#states.set(name, { name, up, since, reason });
  }
}
