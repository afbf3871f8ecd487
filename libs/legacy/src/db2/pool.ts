import { FicusError } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import { type Db2Session, openSession } from './driver.ts';

/** Sessions that are open at once; a further caller waits for one. */
const MAX_SESSIONS = 10;
const WAIT_MS = 10_000;
/** A statement that takes longer is given up, and its session with it, since nobody knows what it does. */
const STATEMENT_MS = 60_000;

/**
 * A pool of sessions with one database. It opens none before the first statement; a session on which anything failed
 * that was not the statement's own fault is closed and replaced.
 */
export class Pool {
  readonly #url: string;
  readonly #clock: Clock;
  readonly #idle: Db2Session[] = [];
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #closed = false;

  constructor(url: string, clock: Clock) {
    this.#url = url;
    this.#clock = clock;
  }

  /** Runs the work on a session of its own, outside a transaction. */
  async use<T>(work: (session: Db2Session) => Promise<T>, statementMs = STATEMENT_MS): Promise<T> {
    const session = await this.#take();
    let reusable = false;
    try {
      const result = await this.#within(statementMs, work(session));
      reusable = true;
      return result;
    } catch (error) {
      reusable = isOwnFault(error);
      throw error;
    } finally {
      this.#giveBack(session, reusable);
    }
  }

  /** Runs the work in one transaction: committed when it returns, rolled back when it throws. */
  async transaction<T>(work: (session: Db2Session) => Promise<T>): Promise<T> {
    return await this.use(async (session) => {
      await session.begin();
      let result: T;
      try {
        result = await work(session);
      } catch (error) {
        await session.rollback().catch(() => undefined);
        throw error;
      }
      await this.#commit(session);
      return result;
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all(this.#idle.splice(0).map((session) => session.close().catch(() => undefined)));
  }

  /** Nothing is known about a COMMIT that was sent and not answered. */
  async #commit(session: Db2Session): Promise<void> {
    try {
      await session.commit();
    } catch (cause) {
      if (isOwnFault(cause)) throw cause;
      throw new FicusError('legacy_unavailable', 'Db2: it is not known whether the change was committed', {
        cause,
        retryable: true,
      });
    }
  }

  async #take(): Promise<Db2Session> {
    for (const deadline = this.#clock.now() + WAIT_MS; ; ) {
      if (this.#closed) throw new FicusError('legacy_unavailable', 'Db2: the pool is closed');
      const idle = this.#idle.pop();
      if (idle !== undefined) return idle;
      if (this.#open < MAX_SESSIONS) return await this.#connect();
      const left = deadline - this.#clock.now();
      if (left <= 0) {
        throw new FicusError(
          'legacy_unavailable',
          `Db2: all ${MAX_SESSIONS} sessions were busy for ${WAIT_MS / 1000} s`,
          { retryable: true },
        );
      }
      await this.#turn(left);
    }
  }

  async #connect(): Promise<Db2Session> {
    this.#open += 1;
    try {
      return await openSession(this.#url);
    } catch (error) {
      this.#open -= 1;
      this.#waiting.shift()?.();
      throw error;
    }
  }

  /** Until a session is given back, or the time is over. */
  async #turn(ms: number): Promise<void> {
    const over = new AbortController();
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      void this.#clock.sleep(ms, over.signal).then(() => {
        const place = this.#waiting.indexOf(resolve);
        if (place >= 0) this.#waiting.splice(place, 1);
        resolve();
      });
    });
    over.abort();
  }

  #giveBack(session: Db2Session, reusable: boolean): void {
    if (reusable && !this.#closed) {
      this.#idle.push(session);
    } else {
      this.#open -= 1;
      void session.close().catch(() => undefined);
    }
    this.#waiting.shift()?.();
  }

  async #within<T>(ms: number, work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const late = this.#clock.sleep(ms, done.signal).then((): never => {
      throw new FicusError('legacy_unavailable', `Db2 did not answer within ${ms / 1000} s`, {
        retryable: true,
      });
    });
    // An aborted sleep resolves too: by then the race is over and nobody listens.
    late.catch(() => undefined);
    try {
      return await Promise.race([work, late]);
    } finally {
      done.abort();
      work.catch(() => undefined);
    }
  }
}

/** The statement was at fault, or lost a lock: the session is as good as before. */
function isOwnFault(error: unknown): boolean {
  return (
    error instanceof FicusError &&
    (error.code !== 'legacy_unavailable' || /gave a lock up|refuses/.test(error.message))
  );
}
