import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { signalGroup } from './reaper.ts';

export type ChildSpec = {
  /** Used in messages. */
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string | undefined>>;
  cwd?: string;
  uid?: number;
  gid?: number;
  /** Receives standard output and error; without it both are kept in memory for {@link Child.output}. */
  logFile?: string;
  /** Prints where this process prints. */
  inherit?: boolean;
  /** The signal that asks for an orderly stop; SIGTERM unless given. */
  stopSignal?: NodeJS.Signals;
  /** At the end of a run, children of a lower stage are stopped before those of a higher one; 0 unless given. */
  stage?: number;
};

export type Exit = { code: number | null; signal: NodeJS.Signals | null; error?: Error };

const STOP_GRACE_MS = 10_000;
const TAIL_LINES = 15;

/** A running process that leads its own process group. */
export class Child {
  readonly name: string;
  readonly pid: number | undefined;
  readonly stage: number;
  /** Never rejects: a command that cannot be started is an exit with an error. */
  readonly exited: Promise<Exit>;
  readonly #spec: ChildSpec;
  readonly #output: Promise<string>;
  #exit: Exit | undefined;
  #isLasting = false;
  #isAsked = false;

  constructor(spec: ChildSpec, started: ChildProcess) {
    this.name = spec.name;
    this.pid = started.pid;
    this.stage = spec.stage ?? 0;
    this.#spec = spec;
    const outputs = [started.stdout, started.stderr].filter((stream) => stream !== null);
    this.#output = Promise.all(outputs.map((stream) => text(stream))).then((parts) => parts.join(''));
    this.exited = new Promise((resolve) => {
      const end = (exit: Exit) => {
        this.#exit ??= exit;
        resolve(this.#exit);
      };
      started.once('error', (error) => end({ code: null, signal: null, error }));
      started.once('exit', (code, signal) => end({ code, signal }));
    });
  }

  /** How the process ended, undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** From here on, an end that nobody asked for is a loss. */
  expectToLast(): void {
    this.#isLasting = true;
  }

  get isLost(): boolean {
    return this.#isLasting && this.#exit !== undefined && !this.#isAsked;
  }

  /** Everything printed, after the end of a process without a log file. */
  output(): Promise<string> {
    return this.#output;
  }

  /** The last lines of the log file, to show beside a failure. */
  tail(): string {
    if (this.#spec.logFile === undefined) return '';
    try {
      return lastLines(readFileSync(this.#spec.logFile, 'utf8'), TAIL_LINES);
    } catch {
      return '';
    }
  }

  /** Asks, waits, and after ten seconds insists. Resolves when the process is gone. */
  async stop(): Promise<void> {
    await this.#end(this.#spec.stopSignal ?? 'SIGTERM');
  }

  /** As `kill -9` of the whole group. Resolves when the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const pid = this.pid;
    if (pid === undefined || this.#exit !== undefined) return;
    this.#isAsked = true;
    signalGroup(pid, signal);
    const insist = new AbortController();
    const timer = sleep(STOP_GRACE_MS, undefined, { signal: insist.signal, ref: false }).then(
      () => signalGroup(pid, 'SIGKILL'),
      () => false,
    );
    await this.exited;
    insist.abort();
    await timer;
  }
}

export function lastLines(content: string, count: number): string {
  return content.trimEnd().split('\n').slice(-count).join('\n');
}

/** What is said of a child that ended though it should not have: how, and the end of its log. */
export function describeLoss(child: Child): string {
  const end = child.exit === undefined ? '' : ` with ${describeExit(child.exit)}`;
  return `${child.name} ended by itself${end}; the end of its log:\n${child.tail()}`;
}

/** `exit status 1`, `signal SIGKILL` or the reason why it never ran. */
export function describeExit(exit: Exit): string {
  if (exit.error !== undefined) return exit.error.message;
  return exit.signal === null ? `exit status ${exit.code}` : `signal ${exit.signal}`;
}
