import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Child, type ChildSpec } from './child.ts';
import type { ReaperCommand } from './reaper.ts';
import { signalGroup } from './reaper.ts';

const REAPER = fileURLToPath(new URL('./reaper.ts', import.meta.url));

/**
 * Owns every process and temporary folder of one run. Each child leads its own process group, so that Ctrl-C in a
 * terminal reaches only this process, which then stops the children in order. Should this process itself be killed,
 * the reaper does it.
 */
export class Supervisor {
  readonly #children = new Set<Child>();
  readonly #folders: string[] = [];
  readonly #commands: { command: string; args: readonly string[] }[] = [];
  readonly #losses: ((child: Child) => void)[] = [];
  #reaper: ChildProcess | undefined;
  #stopped: Promise<void> | undefined;

  /** Starts a child. It must be stopped by {@link Child.stop} or by {@link stopAll}. */
  spawn(spec: ChildSpec): Child {
    if (this.#stopped !== undefined) throw new Error(`${spec.name} was not started: the run is stopping`);
    const inherited = spec.inherit === true ? 'inherit' : 'pipe';
    const log = spec.logFile === undefined ? inherited : openSync(spec.logFile, 'a');
    const started = spawn(spec.command, [...spec.args], {
      cwd: spec.cwd,
      env: { ...process.env, ...spec.env },
      stdio: ['ignore', log, log],
      detached: true,
      ...(spec.uid === undefined ? {} : { uid: spec.uid }),
      ...(spec.gid === undefined ? {} : { gid: spec.gid }),
    });
    if (typeof log === 'number') closeSync(log);
    const child = new Child(spec, started);
    this.#children.add(child);
    const signal = spec.stopSignal ?? 'SIGTERM';
    if (child.pid !== undefined) this.#tell({ do: 'watch', pid: child.pid, signal });
    void child.exited.then(() => {
      this.#children.delete(child);
      if (child.isLost) for (const listener of this.#losses) listener(child);
      // A server killed alone may leave workers in its group; they are nobody's any more.
      if (child.pid !== undefined) {
        signalGroup(child.pid, 'SIGKILL');
        this.#tell({ do: 'forget', pid: child.pid });
      }
    });
    return child;
  }

  /** Calls the listener with each child that should have lasted and ended. */
  onLoss(listener: (child: Child) => void): void {
    this.#losses.push(listener);
  }

  /** What runs now. */
  get running(): readonly Child[] {
    return [...this.#children];
  }

  /** Promises that the folder is removed at the end of the run, however it ends. */
  removeAtEnd(path: string): void {
    this.#folders.push(path);
    this.#tell({ do: 'remove', path });
  }

  /** Promises that the command is run after the last child has ended and before the folders are removed. */
  runAtEnd(command: string, args: readonly string[]): void {
    this.#commands.push({ command, args });
    this.#tell({ do: 'run', command, args });
  }

  /** Stops what still runs, stage by stage, and removes the folders. Nothing can be started from then on. */
  stopAll(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    while (this.#children.size > 0) {
      const children = [...this.#children];
      const stage = Math.min(...children.map((child) => child.stage));
      await Promise.all(children.filter((child) => child.stage === stage).map((child) => child.stop()));
    }
    for (const { command, args } of this.#commands)
      await once(spawn(command, [...args], { stdio: 'ignore' }), 'close').catch((error: unknown) => {
        console.error(`ficus: ${command} ${args.join(' ')} could not be run: ${error}`);
      });
    for (const path of this.#folders)
      rmSync(path, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
    this.#reaper?.stdin?.write(line({ do: 'nothing' }));
    this.#reaper?.stdin?.end();
    this.#reaper = undefined;
  }

  #tell(command: ReaperCommand): void {
    if (this.#reaper === undefined) {
      if (command.do === 'forget') return;
      this.#reaper = spawn(process.execPath, [REAPER], {
        stdio: ['pipe', 'ignore', 'ignore'],
        detached: true,
      });
      this.#reaper.unref();
      // A reaper that is gone cannot help; the run itself still stops everything on its own way out.
      this.#reaper.stdin?.on('error', () => {});
    }
    this.#reaper.stdin?.write(line(command));
  }
}

function line(command: ReaperCommand): string {
  return `${JSON.stringify(command)}\n`;
}
