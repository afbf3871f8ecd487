import type { Clock } from '#core/ports/clock';
import type { ReplicationCounts } from '#core/unit-state';

const EVERY_MS = 1_000;

/**
 * Adds up what batches count and tells it once a second: a write of their own for each small batch would cost more than
 * the batch. What a killed process has not told is lost to the counts, which order and prove nothing.
 */
export class CountKeeper {
  readonly #tell: (counts: ReplicationCounts) => Promise<void>;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  #untold: ReplicationCounts | null = null;
  #telling: Promise<void> | null = null;

  constructor(tell: (counts: ReplicationCounts) => Promise<void>, clock: Clock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  add(counts: ReplicationCounts): void {
    this.#collect(counts);
    this.#telling ??= this.#keepTelling();
  }

  /** Tells what is left at once, if it can be told at all. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#telling;
  }

  async #keepTelling(): Promise<void> {
    while (this.#untold !== null) {
      await this.#clock.sleep(EVERY_MS, this.#stopping.signal);
      const counts: ReplicationCounts = this.#untold;
      this.#untold = null;
      try {
        await this.#tell(counts);
      } catch {
        // The database is away: readiness says so by other ways, and the counts come with the next.
        if (this.#stopping.signal.aborted) break;
        this.#collect(counts);
      }
    }
    this.#telling = null;
  }

  #collect(counts: ReplicationCounts): void {
    this.#untold = this.#untold === null ? counts : sum(this.#untold, counts);
  }
}

function sum(one: ReplicationCounts, other: ReplicationCounts): ReplicationCounts {
  return {
    applied: one.applied + other.applied,
    unchanged: one.unchanged + other.unchanged,
    stale: one.stale + other.stale,
    recheck: one.recheck + other.recheck,
    deadLetters: one.deadLetters + other.deadLetters,
  };
}
