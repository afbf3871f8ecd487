import type { Clock } from '#core/ports/clock';

/** Holds a scan at a number of rows a second: a legacy machine has other work, and may bill by the second. */
export class Pace {
  readonly #clock: Clock;
  readonly #rowsPerSecond: number | null;
  /** When the rows read so far are paid for, in ms since the epoch. */
  #paidUntil = 0;

  /** @param rowsPerSecond null: as fast as it goes. */
  constructor(clock: Clock, rowsPerSecond: number | null) {
    this.#clock = clock;
    this.#rowsPerSecond = rowsPerSecond;
  }

  /** Returns when these rows, already read, are paid for. Time that passed unused cannot be saved up. */
  async spend(rows: number, signal: AbortSignal): Promise<void> {
    if (this.#rowsPerSecond === null) return;
    const now = this.#clock.now();
    this.#paidUntil = Math.max(now, this.#paidUntil) + (rows * 1_000) / this.#rowsPerSecond;
    await this.#clock.sleep(this.#paidUntil - now, signal);
  }
}
