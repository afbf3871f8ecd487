import { Random } from '../../../../sandbox/src/estate/random.ts';

/** What a seed decides. */
export class Dice extends Random {
  /** From 0 up to, not including, the limit. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  override pick<T>(from: readonly T[]): T {
    const found = from[this.below(from.length)];
    if (found === undefined) throw new Error('nothing to pick from');
    return found;
  }
}

/** Something of the simulated world that takes steps: a process, or a client. */
export interface Actor {
  readonly name: string;
  readonly isDone: boolean;
  /** Dies between two steps, as by `kill -9`: nothing of it is carried out any more, no `finally` either. */
  kill(): void;
  /** Stands still between two steps until then, as by SIGSTOP. */
  freeze(until: number): void;
}

/** What an actor does between two of its steps. */
export interface Turn {
  readonly actor: Actor;
  /** Others may take their steps. */
  step(): Promise<void>;
  /** Until that is so. */
  until(isSo: () => boolean): Promise<void>;
  sleep(ms: number): Promise<void>;
}

class Process implements Actor {
  readonly name: string;
  isDone = false;
  wakesAt = 0;
  frozenUntil = 0;
  isReady: () => boolean = always;
  resume: () => void = nothing;

  constructor(name: string) {
    this.name = name;
  }

  kill(): void {
    this.isDone = true;
    this.resume = nothing;
  }

  freeze(until: number): void {
    this.frozenUntil = until;
  }
}

/**
 * Virtual time, and one actor at a time: the dice say whose step is next, so that a seed says all that happens. Between two
 * steps anything may happen; within one, nothing.
 */
export class Scheduler {
  readonly dice: Dice;
  now = 1_000_000;
  steps = 0;
  /** What an actor has thrown. */
  fault: unknown = null;
  readonly #actors = new Set<Process>();
  #yielded: () => void = nothing;

  constructor(seed: number) {
    this.dice = new Dice(seed);
  }

  /** @param run what it does; it begins with the first step that it is given. */
  spawn(name: string, run: (turn: Turn) => Promise<void>): Actor {
    const process = new Process(name);
    const wait = (isReady: () => boolean, wakesAt: number): Promise<void> =>
      new Promise((resolve) => {
        if (process.isDone) return;
        process.isReady = isReady;
        process.wakesAt = wakesAt;
        process.resume = resolve;
        this.#yielded();
      });
    const turn: Turn = {
      actor: process,
      step: () => wait(always, 0),
      until: (isSo) => wait(isSo, 0),
      sleep: (ms) => wait(always, this.now + ms),
    };
    const end = (): void => {
      if (process.isDone) return;
      process.isDone = true;
      this.#yielded();
    };
    process.resume = () => {
      run(turn).then(end, (error: unknown) => {
        if (!process.isDone) this.fault ??= error;
        end();
      });
    };
    this.#actors.add(process);
    return process;
  }

  /** Until that is so. @throws Error when it does not come to it within that many steps, and what an actor throws. */
  async run(isOver: () => boolean, mostSteps: number): Promise<void> {
    for (let left = mostSteps; !isOver(); left -= 1) {
      if (left === 0) throw new Error(`not over after ${mostSteps} steps`);
      const next = this.#next();
      if (next === null) throw new Error(`nobody can go on: ${this.#waiting()}`);
      await this.#let(next);
      if (this.fault !== null) throw this.fault;
    }
  }

  /** Whose step is next; the clock goes on when everybody waits for it. */
  #next(): Process | null {
    for (;;) {
      const living: Process[] = [];
      for (const actor of this.#actors) {
        if (actor.isDone) this.#actors.delete(actor);
        else living.push(actor);
      }
      const ready = living.filter(
        (one) => one.wakesAt <= this.now && one.frozenUntil <= this.now && one.isReady(),
      );
      if (ready.length > 0) return this.dice.pick(ready);
      const times = living
        .filter((one) => one.isReady())
        .map((one) => Math.max(one.wakesAt, one.frozenUntil))
        .filter((at) => at > this.now);
      if (times.length === 0) return null;
      this.now = Math.min(...times);
    }
  }

  async #let(process: Process): Promise<void> {
    this.steps += 1;
    // A step takes a moment, so that clocks tell one from the next.
    this.now += this.dice.chance(0.2) ? 1 : 0;
    const yielded = new Promise<void>((resolve) => {
      this.#yielded = resolve;
    });
    const { resume } = process;
    process.resume = nothing;
    resume();
    await yielded;
  }

  #waiting(): string {
    return [...this.#actors].map(({ name }) => name).join(', ');
  }
}

function always(): boolean {
  return true;
}

function nothing(): void {}
