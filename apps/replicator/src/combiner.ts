import type { LogRecord } from '#debezium/log-record';

interface Submission {
  readonly records: readonly LogRecord[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Records applied together at most where one batch is on its way; one submission is never cut. */
const MOST = 4_000;
/** Records that are worth a batch beside another one. */
const ENOUGH = 250;

/**
 * Applies what several partitions hand over at once as one batch. Rows of one document arrive in many partitions (a
 * child's key is not its parent's): applied side by side they would race for the document, together they are one
 * write. Where a document has one partition only, several batches are on their way at once. The order within a
 * partition is kept, since its next batch comes only after this one.
 */
export class Combiner {
  readonly #apply: (records: readonly LogRecord[]) => Promise<void>;
  readonly #lanes: () => number;
  readonly #most: () => number;
  #waiting: Submission[] = [];
  #jobs: (() => Promise<void>)[] = [];
  /** Batches on their way. */
  #running = 0;
  /** A job is, which nothing may run beside. */
  #isAlone = false;

  /**
   * @param lanes how many batches may be on their way at once, now.
   * @param most records of a batch beside others, now.
   */
  constructor(
    apply: (records: readonly LogRecord[]) => Promise<void>,
    lanes: () => number = () => 1,
    most: () => number = () => MOST,
  ) {
    this.#apply = apply;
    this.#lanes = lanes;
    this.#most = most;
  }

  /** Resolves once these records are applied; rejects with what failed the batch they were in. */
  submit(records: readonly LogRecord[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ records, resolve, reject });
      this.#go();
    });
  }

  /** Runs something between two batches; rejects with what it throws. */
  alone<T>(job: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#jobs.push(() => job().then(resolve, reject));
      this.#go();
    });
  }

  #go(): void {
    if (this.#isAlone) return;
    if (this.#jobs.length > 0) {
      if (this.#running === 0) void this.#runJob(this.#jobs.shift());
      return;
    }
    while (this.#waiting.length > 0 && (this.#running === 0 || this.#mayRunBeside()))
      void this.#runBatch(this.#take());
  }

  /** A few records rather go together with those that come next: each batch costs by itself. */
  #mayRunBeside(): boolean {
    if (this.#running >= this.#lanes()) return false;
    return this.#waiting.reduce((size, { records }) => size + records.length, 0) >= ENOUGH;
  }

  async #runJob(job: (() => Promise<void>) | undefined): Promise<void> {
    this.#isAlone = true;
    await job?.();
    this.#isAlone = false;
    this.#go();
  }

  async #runBatch(together: readonly Submission[]): Promise<void> {
    this.#running += 1;
    try {
      await this.#apply(together.flatMap(({ records }) => records));
      for (const { resolve } of together) resolve();
    } catch (error) {
      for (const { reject } of together) reject(error);
    }
    this.#running -= 1;
    this.#go();
  }

  /** What waits, up to a size; where several may be on their way, each takes less. */
  #take(): Submission[] {
    const most = this.#lanes() > 1 ? this.#most() : MOST;
    let size = 0;
    const count = this.#waiting.findIndex(({ records }, index) => {
      size += records.length;
      return index > 0 && size > most;
    });
    return this.#waiting.splice(0, count < 0 ? this.#waiting.length : count);
  }
}
