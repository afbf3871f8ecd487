import { type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { ScanProgress } from '#core/reconcile';
import { VERIFICATIONS, type VerificationJob } from './verification-job.ts';

/** A run as the queue hands it out: at least once, and perhaps again after a crash, with the same id. */
export interface VerificationOrder {
  readonly id: string;
  readonly unit: string;
  readonly requestedBy: string;
  /** ISO 8601 UTC. */
  readonly requestedAt: string;
  /** Shows in the queue how far it is. */
  progress(of: { rows: number; total: number | null } & ScanProgress): Promise<void>;
}

export interface WorkerParts {
  readonly redis: Redis;
  readonly handle: (order: VerificationOrder) => Promise<void>;
  /** Hears of everything that went wrong: a run that failed, a connection that broke. */
  readonly trouble: (error: Error) => void;
  readonly prefix?: string;
}

/** Scans run side by side in one worker; each mostly waits for its two stores. */
const CONCURRENCY = 2;
/** A worker that says nothing for so long is taken for dead, and its job is given to another one. */
const LOCK_MS = 10_000;
const STALLED_CHECK_MS = 3_000;
/** A scan goes on where it stopped, so it may lose any number of workers. */
const MAX_STALLED = 1_000_000;

/** Takes verifications from the queue as long as it runs. */
export class BullVerificationWorker {
  readonly #redis: Redis;
  readonly #worker: Worker<VerificationJob>;

  constructor(parts: WorkerParts) {
    this.#redis = parts.redis;
    this.#worker = new Worker<VerificationJob>(VERIFICATIONS, (job) => parts.handle(orderOf(job)), {
      connection: parts.redis,
      ...(parts.prefix === undefined ? {} : { prefix: parts.prefix }),
      autorun: false,
      concurrency: CONCURRENCY,
      lockDuration: LOCK_MS,
      maxStalledCount: MAX_STALLED,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
      stalledInterval: STALLED_CHECK_MS,
    });
    // While the connection is down it says so itself.
    this.#worker.on('error', (error) => {
      if (this.#isConnected) parts.trouble(error);
    });
    this.#worker.on('failed', (_job, error) => parts.trouble(error));
  }

  /** Returns at once. */
  start(): void {
    // It ends when the worker is closed; what breaks meanwhile is told to `trouble`.
    this.#worker.run().catch(() => undefined);
  }

  /**
   * Takes no more and waits for the runs in hand, which the caller has told to stop; but not for a Redis that is
   * away, where they cannot be given back: they are missed after a while, and another worker takes them.
   */
  async stop(): Promise<void> {
    await this.#worker.close(!this.#isConnected);
  }

  get #isConnected(): boolean {
    return this.#redis.status === 'ready';
  }
}

function orderOf(job: Job<VerificationJob>): VerificationOrder {
  return {
    id: job.id ?? '',
    unit: job.data.unit,
    requestedBy: job.data.requestedBy,
    requestedAt: new Date(job.timestamp).toISOString(),
    progress: (of) => job.updateProgress(of),
  };
}
