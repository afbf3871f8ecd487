import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { FromChild, Measured } from './measured.ts';

export interface Outcome {
  readonly measured: Measured;
  readonly notes: Readonly<Record<string, number>>;
}

/**
 * Runs a file of `measure` in a process of its own.
 * @param begin is awaited once the process is ready and before it begins.
 * @param flags for Node, beside those that it needs.
 */
export async function runMeasured(
  file: URL,
  given: unknown,
  options: { readonly begin?: () => Promise<void>; readonly flags?: readonly string[] } = {},
): Promise<Outcome> {
  const child = fork(fileURLToPath(file), [JSON.stringify(given)], {
    execArgv: ['--conditions=source', '--expose-gc', '--max-old-space-size=4096', ...(options.flags ?? [])],
  });
  const exited = once(child, 'exit');
  // Awaited below only on the way out; an error of `fork` itself comes through `next`.
  exited.catch(() => undefined);
  try {
    await next(child, 'ready');
    await options.begin?.();
    child.send('begin');
    const { measured, notes = {} } = await next(child, 'done');
    return { measured, notes };
  } finally {
    if (child.connected) child.disconnect();
    if (child.exitCode === null && child.signalCode === null) await exited;
  }
}

async function next<K extends FromChild['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<FromChild, { kind: K }>> {
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`${child.spawnfile} ended: ${signal ?? code}`)));
    child.once('message', (message) => {
      const said = message as FromChild;
      if (said.kind === kind) resolve(said as Extract<FromChild, { kind: K }>);
      else reject(new Error(`the process said ${said.kind} where ${kind} was expected`));
    });
  });
}
