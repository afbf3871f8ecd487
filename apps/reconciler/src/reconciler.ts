import type { VerificationOrder } from '#jobs/verification-worker';
import type { Agenda } from './agenda.ts';
import type { FullScan } from './full-scan.ts';
import type { Meters } from './meters.ts';

export interface ReconcilerParts {
  readonly agenda: Agenda;
  readonly scan: FullScan;
  readonly meters: Meters;
  /** Takes orders from the queue and hands them to `handle`. */
  readonly openWorker: (handle: (order: VerificationOrder) => Promise<void>) => {
    start(): void;
    stop(): Promise<void>;
  };
  /** Aborted when the process stops: runs in hand stop at their next step, and another worker goes on with them. */
  readonly stopping: AbortController;
}

/** Keeps the agenda and works off the queue. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #worker: ReturnType<ReconcilerParts['openWorker']>;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#worker = parts.openWorker((order) => this.#verify(order));
  }

  start(): void {
    this.#parts.agenda.start();
    this.#worker.start();
  }

  async stop(): Promise<void> {
    this.#parts.stopping.abort(new Error('the reconciler stops; the run goes on elsewhere'));
    await Promise.all([this.#parts.agenda.stop(), this.#worker.stop()]);
  }

  async #verify(order: VerificationOrder): Promise<void> {
    const ended = await this.#parts.scan.run(order, this.#parts.stopping.signal);
    if (ended !== null) this.#parts.meters.ended(ended);
  }
}
