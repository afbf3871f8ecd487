/** One line of progress; the caller decides where it goes. */
export type Log = (line: string) => void;

/** A step in progress. Updates are thinned out, the first and the last line never are. */
export type Step = {
  update(text: string): void;
  done(text?: string): void;
  failed(text: string): void;
};

const UPDATE_EVERY_MS = 2_000;
const TICK_MS = 5_000;

/** `850 ms`, `3.2 s`, `1 min 05 s`. */
export function formatElapsed(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
}

/** Decimal megabytes, as package sizes are usually given: `35.4 MB`. */
export function formatBytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** `12.0 of 35.4 MB (33 %)`; never claims more than the whole. */
export function formatShare(done: number, total: number): string {
  const part = Math.min(done, total);
  return `${(part / 1e6).toFixed(1)} of ${formatBytes(total)} (${Math.floor((100 * part) / total)} %)`;
}

/** Shows that long work without any measure of its own still goes on. */
export async function ticking<T>(step: Step, text: string, work: Promise<T>): Promise<T> {
  step.update(text);
  const timer = setInterval(() => step.update(text), TICK_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

/** Prints the steps of one run, each line with the time since the run began and since the step began. */
export class Progress {
  readonly #log: Log;
  readonly #now: () => number;
  readonly #begun: number;

  constructor(log: Log, now: () => number = performance.now.bind(performance)) {
    this.#log = log;
    this.#now = now;
    this.#begun = now();
  }

  line(text: string): void {
    const elapsed = ((this.#now() - this.#begun) / 1_000).toFixed(1).padStart(6);
    this.#log(`${elapsed} s  ${text}`);
  }

  step(name: string): Step {
    const begun = this.#now();
    let shown = Number.NEGATIVE_INFINITY;
    const print = (text: string) => this.line(`${name.padEnd(11)} ${text}`);
    const took = () => formatElapsed(this.#now() - begun);
    return {
      update: (text) => {
        if (this.#now() - shown < UPDATE_EVERY_MS) return;
        shown = this.#now();
        print(`${text}, ${took()}`);
      },
      done: (text = 'done') => print(`${text} in ${took()}`),
      failed: (text) => print(`FAILED after ${took()}: ${text}`),
    };
  }
}
