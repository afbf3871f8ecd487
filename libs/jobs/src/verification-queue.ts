import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { FicusError, reasonOf } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import type { VerificationQueue } from '#core/ports/control';
import { SCHEDULE, VERIFICATIONS, VERIFY, type VerificationJob } from './verification-job.ts';

/** Milliseconds that a caller waits for a Redis that is away. */
const DEADLINE_MS = 3_000;

export interface QueueParts {
  readonly redis: Redis;
  readonly clock: Clock;
  /** Makes the id of a run; never the same twice, without a colon. */
  readonly newId: () => string;
  /** Keeps several estates apart in one Redis; tests use it. */
  readonly prefix?: string;
}

/** The queue of verifications in BullMQ. One run of a unit at a time: a second request joins the first. */
export class BullVerificationQueue implements VerificationQueue {
  readonly #parts: QueueParts;
  readonly #queue: Queue<VerificationJob>;

  constructor(parts: QueueParts) {
    this.#parts = parts;
    this.#queue = new Queue(VERIFICATIONS, {
      connection: parts.redis,
      ...(parts.prefix === undefined ? {} : { prefix: parts.prefix }),
      // The control database keeps what happened. A job that stayed here would keep its id from being queued again.
      defaultJobOptions: { removeOnComplete: true, removeOnFail: true },
    });
    // The connection's own listener tells of the trouble; without one here it would end the process.
    this.#queue.on('error', () => undefined);
  }

  async request(unit: string, requestedBy: string): Promise<string> {
    return await this.#add({ id: this.#parts.newId(), unit, requestedBy });
  }

  async ensure(verification: { id: string; unit: string; requestedBy: string }): Promise<void> {
    await this.#add(verification);
  }

  async schedule(units: readonly { unit: string; cron: string | null }[]): Promise<void> {
    await this.#reach(async () => {
      const wanted = new Map(
        units.flatMap(({ unit, cron }) => (cron === null ? [] : [[unit, cron] as const])),
      );
      for (const known of await this.#queue.getJobSchedulers()) {
        if (wanted.get(known.key) === known.pattern) wanted.delete(known.key);
        else await this.#queue.removeJobScheduler(known.key);
      }
      for (const [unit, pattern] of wanted) {
        const data = { unit, requestedBy: SCHEDULE };
        await this.#queue.upsertJobScheduler(unit, { pattern, tz: 'UTC' }, { name: VERIFY, data });
      }
    });
  }

  async close(): Promise<void> {
    await this.#queue.close();
  }

  /** @returns the id of the job that will do it: the given one, or that of a job of the unit already there. */
  async #add({ id, unit, requestedBy }: { id: string; unit: string; requestedBy: string }): Promise<string> {
    return await this.#reach(async () => {
      const options = { jobId: id, deduplication: { id: unit } };
      const job = await this.#queue.add(VERIFY, { unit, requestedBy }, options);
      return job.id ?? id;
    });
  }

  async #reach<T>(call: () => Promise<T>): Promise<T> {
    const waiting = new AbortController();
    const late = this.#parts.clock.sleep(DEADLINE_MS, waiting.signal).then(() => {
      throw new Error(`no answer within ${DEADLINE_MS} ms`);
    });
    // Whichever loses must not become an unhandled rejection.
    late.catch(() => undefined);
    const asked = call();
    asked.catch(() => undefined);
    try {
      return await Promise.race([asked, late]);
    } catch (cause) {
      throw new FicusError('redis_unavailable', `Redis: ${reasonOf(cause)}`, { cause, retryable: true });
    } finally {
      waiting.abort();
    }
  }
}
