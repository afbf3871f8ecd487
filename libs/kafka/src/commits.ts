import type { Clock } from '#core/ports/clock';

export interface Partition {
  readonly topic: string;
  readonly partition: number;
}

/** The next offset to be read of a partition. */
export interface Place extends Partition {
  readonly offset: bigint;
}

export interface CommitOptions {
  readonly commit: (places: readonly Place[]) => Promise<void>;
  /** Called with what has been committed. */
  readonly committed: (places: readonly Place[]) => Promise<void>;
  readonly trouble: (error: unknown, pauseMs: number) => void;
  readonly fine: () => void;
  readonly clock: Clock;
  /** Aborted: what cannot be committed at once is left, to be read again. */
  readonly giveUp: AbortSignal;
}

const COMMIT_EVERY_MS = 100;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5_000;

export const placeName = ({ topic, partition }: Partition): string => `${topic}/${partition}`;

/** Commits offsets, one request at a time: places that are reached meanwhile go together with the next. */
export class Commits {
  readonly #options: CommitOptions;
  readonly #reached = new Map<string, Place>();
  /** What is being committed; a place is taken out of it when it must not be tried again. */
  #trying = new Map<string, Place>();
  #request: Promise<void> = Promise.resolve();
  #running: Promise<void> | null = null;

  constructor(options: CommitOptions) {
    this.#options = options;
  }

  reached(place: Place): void {
    this.#reached.set(placeName(place), place);
    this.#running ??= this.#run();
  }

  /** Resolves once all that was reached is committed, or given up. */
  async settled(): Promise<void> {
    await this.#running;
  }

  /** Gives up what is not committed of a partition. Resolves once no request of it is on its way. */
  async drop(of: Partition): Promise<void> {
    this.#reached.delete(placeName(of));
    this.#trying.delete(placeName(of));
    await this.#request.catch(() => undefined);
  }

  async #run(): Promise<void> {
    const { commit, committed, trouble, fine, clock, giveUp } = this.#options;
    let pause = FIRST_PAUSE_MS;
    while (this.#reached.size > 0) {
      // What is reached meanwhile goes with it.
      await clock.sleep(COMMIT_EVERY_MS, giveUp);
      this.#trying = new Map(this.#reached);
      this.#reached.clear();
      const places = [...this.#trying.values()];
      if (places.length === 0) break;
      try {
        this.#request = commit(places);
        await this.#request;
        await committed(places);
        if (pause > FIRST_PAUSE_MS) fine();
        pause = FIRST_PAUSE_MS;
      } catch (error) {
        if (giveUp.aborted) break;
        for (const [name, place] of this.#trying)
          if (!this.#reached.has(name)) this.#reached.set(name, place);
        trouble(error, pause);
        await clock.sleep(pause, giveUp);
        pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
      }
    }
    this.#running = null;
  }
}
