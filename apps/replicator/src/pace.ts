/** Records of a batch: at the beginning, at least and at most. */
const FIRST = 1_000;
const LEAST = 250;
const MOST = 4_000;
/** ms within which a batch is quick, and beyond which it is slow. */
const QUICK_MS = 1_500;
const SLOW_MS = 4_000;

/**
 * How many records go together. A transaction costs MongoDB by itself, so the more the better; but its documents are
 * closed to other writers until it ends, and one that takes too long is given up. So there are as many as are applied in
 * good time, whatever the machine does besides.
 */
export class Pace {
  #most = FIRST;

  get most(): number {
    return this.#most;
  }

  /**
   * So many records were applied in so long a time; none: the batch failed.
   * @param of.most how many might go together when the batch began: several of them are slow for one cause.
   */
  took({ records, most, ms }: { records: number; most: number; ms: number }): void {
    if (ms > SLOW_MS) this.#most = Math.min(this.#most, Math.max(LEAST, Math.floor(most / 2)));
    else if (ms < QUICK_MS && isFull(records, this.#most)) this.#most = Math.min(MOST, this.#most * 2);
  }
}

/** What is smaller says nothing about a larger one. */
function isFull(records: number, most: number): boolean {
  return records >= most / 2;
}
