import type { Clock } from '#core/ports/clock';

/** A clock that a test turns: sleeping moves it at once, so nothing ever waits. */
export class HandClock implements Clock {
  #now: number;

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  iso(): string {
    return new Date(this.#now).toISOString();
  }

  turn(ms: number): void {
    this.#now += ms;
  }

  async sleep(ms: number): Promise<void> {
    this.turn(ms);
  }
}
