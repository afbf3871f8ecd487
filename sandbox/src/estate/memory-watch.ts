import { groupMemory } from '../process/memory.ts';
import type { Supervisor } from '../process/supervisor.ts';
import { SERVER_NAMES } from '../server/running.ts';
import { APPS } from './apps.ts';

const EVERY_MS = 5_000;

/** The highest sum of a kind of processes, in bytes, and what each of them had in it. */
export interface MemoryPeak {
  readonly total: number;
  readonly parts: Readonly<Record<string, number>>;
}

export interface MemoryPeaks {
  readonly servers: MemoryPeak;
  readonly apps: MemoryPeak;
}

/** Looks every few seconds at the memory of what a supervisor runs, from its making to its stop. */
export class MemoryWatch {
  readonly #supervisor: Supervisor;
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> = Promise.resolve();
  #peaks: MemoryPeaks = { servers: { total: 0, parts: {} }, apps: { total: 0, parts: {} } };

  constructor(supervisor: Supervisor) {
    this.#supervisor = supervisor;
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, EVERY_MS);
  }

  async stop(): Promise<MemoryPeaks> {
    clearInterval(this.#timer);
    await this.#looking;
    await this.#look();
    return this.#peaks;
  }

  async #look(): Promise<void> {
    const running = this.#supervisor.running.flatMap(({ name, pid }) =>
      pid === undefined ? [] : [{ name, pid }],
    );
    const bytes = await groupMemory(running.map(({ pid }) => pid));
    const sumOf = (names: readonly string[]): MemoryPeak => {
      const parts = running
        .filter(({ name }) => names.includes(name))
        .map(({ name, pid }): [string, number] => [name, bytes.get(pid) ?? 0]);
      return { total: parts.reduce((sum, [, one]) => sum + one, 0), parts: Object.fromEntries(parts) };
    };
    this.#peaks = {
      servers: higher(this.#peaks.servers, sumOf(SERVER_NAMES)),
      apps: higher(this.#peaks.apps, sumOf(APPS)),
    };
  }
}

function higher(known: MemoryPeak, now: MemoryPeak): MemoryPeak {
  return now.total > known.total ? now : known;
}
