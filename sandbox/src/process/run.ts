import type { ChildSpec } from './child.ts';
import { describeExit, lastLines } from './child.ts';
import type { Supervisor } from './supervisor.ts';

/** Runs a command to its end. Resolves with what it printed; rejects with its last lines when it failed. */
export async function run(supervisor: Supervisor, spec: Omit<ChildSpec, 'logFile'>): Promise<string> {
  const child = supervisor.spawn(spec);
  const exit = await child.exited;
  const output = exit.error === undefined ? await child.output() : '';
  if (exit.code === 0) return output;
  throw new Error(`${spec.name} failed: ${describeExit(exit)}\n${lastLines(output, 20)}`.trimEnd());
}
