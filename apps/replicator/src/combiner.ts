import type { LogRecord } from '#debezium/log-record';

interface Submission {
  readonly records: readonly LogRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Records applied together at most; one submission is never cut. */
const MOST = 4_000;

/**
 * Applies what several partitions hand over at once as one batch. Rows of one document arrive in many partitions (a
 * child's key is not its parent's): applied side by side they would race for the document, together they are one
 * write. The order within a partition is kept, since its next batch comes only after this one.
 */
export class Combiner {
  readonly #apply: (records: readonly LogRecord[]) => Promise<void>;
  #waiting: Submission[] = [];
  #jobs: (() => Promise<void>)[] = [];
  #busy = false;

  constructor(apply: (records: readonly LogRecord[]) => Promise<void>) {
    this.#apply = apply;
  }

  /** Resolves once these records are applied; rejects with what failed the batch they were in. */
  submit(records: readonly LogRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject });
      if (!this.#busy) void this.#drain();
    });
  }

  /** Runs something between two batches; rejects with what it throws. */
  alone<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => job().then(resolve, reject));
      if (!this.#busy) void this.#drain();
    });
  }

  async #drain(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length + this.#jobs.length > 0) {
      const job = this.#jobs.shift();
      if (job !== undefined) {
        await job();
        continue;
      }
      const together = this.#take();
      try {
        await this.#apply(together.flatMap(({ records }) => records));
        for (const { resolve } of together) resolve();
      } catch (error) {
        for (const { reject } of together) reject(error);
      }
    }
    this.#busy = false;
  }

  #take(): Submission[] {
    let size = 0;
    const count = this.#waiting.findIndex(({ records }, index) => {
      size += records.length;
      return index > 0 && size > MOST;
    });
    return this.#waiting.splice(0, count < 0 ? this.#waiting.length : count);
  }
}
