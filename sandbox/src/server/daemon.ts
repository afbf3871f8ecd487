import { type Child, type ChildSpec, describeExit } from '../process/child.ts';
import { waitFor } from '../process/poll.ts';
import type { Supervisor } from '../process/supervisor.ts';
import type { Running } from './running.ts';

export type DaemonSpec<Name extends string> = {
  name: Name;
  env: Readonly<Record<string, string>>;
  process: Omit<ChildSpec, 'name'>;
  /** A real question to the server; rejects while it does not answer. */
  health: () => Promise<void>;
  /** Servers end after the apps (stage 0); one that talks to another server (1) before the others (2, the default). */
  stage?: number;
  /** How long the first healthy answer may take; 60 s unless given. */
  timeoutMs?: number;
};

/** A server that is one child process: started, waited for, killed and started again by the same command. */
export class Daemon<Name extends string> implements Running<Name> {
  readonly name: Name;
  readonly env: Readonly<Record<string, string>>;
  readonly #spec: DaemonSpec<Name>;
  readonly #supervisor: Supervisor;
  #child: Child | undefined;

  constructor(spec: DaemonSpec<Name>, supervisor: Supervisor) {
    this.name = spec.name;
    this.env = spec.env;
    this.#spec = spec;
    this.#supervisor = supervisor;
  }

  get pid(): number | undefined {
    return this.#child?.exit === undefined ? this.#child?.pid : undefined;
  }

  health(): Promise<void> {
    return this.#spec.health();
  }

  /** Starts the process and waits for its first healthy answer. */
  async restart(): Promise<void> {
    if (this.pid !== undefined) throw new Error(`${this.name} is running already as process ${this.pid}`);
    const child = this.#supervisor.spawn({
      name: this.name,
      stage: this.#spec.stage ?? 2,
      ...this.#spec.process,
    });
    this.#child = child;
    try {
      await waitFor(this.name, this.#spec.health, {
        timeoutMs: this.#spec.timeoutMs ?? 60_000,
        gaveUp: () => (child.exit === undefined ? undefined : `ended with ${describeExit(child.exit)}`),
      });
      child.expectToLast();
    } catch (cause) {
      await child.kill();
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${message}\n--- the end of ${this.#spec.process.logFile}:\n${child.tail()}`, {
        cause,
      });
    }
  }

  async stop(): Promise<void> {
    await this.#child?.stop();
  }

  async kill(): Promise<void> {
    await this.#child?.kill();
  }
}
