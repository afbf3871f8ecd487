import type { Supervisor } from '../process/supervisor.ts';
import type { Step } from '../progress.ts';
import type { ComponentName, Components } from '../provision/provision.ts';

export const SERVER_NAMES = ['postgres', 'mongo', 'redis', 'kafka', 'connect', 'db2', 'registry'] as const;
export type ServerName = (typeof SERVER_NAMES)[number];

/** A server that answers. The same shape whether it is a process of ours or a container. */
export type Running<Name extends string = ServerName> = {
  readonly name: Name;
  /** What others need to reach it: the TEST_* variables, and what the driver wants in the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Undefined while it is down, or when it lives in a container. */
  readonly pid: number | undefined;
  /** Rejects with what is wrong. */
  health(): Promise<void>;
  /** An orderly end. */
  stop(): Promise<void>;
  /** The end by SIGKILL. */
  kill(): Promise<void>;
  /** Up again after stop or kill, on the same port with the same data; resolves when healthy. */
  restart(): Promise<void>;
};

/** What a server gets for its start. */
export type ServerContext = {
  /** An empty folder of its own, or what an earlier run with the same `--data` left in it. */
  readonly dataDir: string;
  readonly components: Components;
  readonly supervisor: Supervisor;
  readonly step: Step;
  /** Resolves with the address variables of a server that is started in the same run, once it is healthy. */
  envOf(name: ServerName): Promise<Readonly<Record<string, string>>>;
};

export type ServerKind = {
  readonly name: ServerName;
  readonly needs: readonly ComponentName[];
  /** Servers that must be started in the same run. */
  readonly uses: readonly ServerName[];
  start(context: ServerContext): Promise<Running>;
};
