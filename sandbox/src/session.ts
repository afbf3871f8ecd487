import { setTimeout as sleep } from 'node:timers/promises';
import { Supervisor } from './process/supervisor.ts';

export type Session = {
  readonly supervisor: Supervisor;
  /** Aborted by the first signal that asks this process to end. */
  readonly signal: AbortSignal;
};

const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
const SETTLE_MS = 3_000;

/**
 * Runs one command from its start to its end and exits with the status that `body` returns. However it ends (return,
 * error, Ctrl-C at any moment), everything that its supervisor started is stopped and its temporary folders removed.
 * A second Ctrl-C does not wait: the reaper does the rest.
 */
export async function runSession(body: (session: Session) => Promise<number>): Promise<never> {
  const supervisor = new Supervisor();
  const abort = new AbortController();
  const running = Promise.resolve()
    .then(() => body({ supervisor, signal: abort.signal }))
    .catch((error: unknown) => {
      // What fails because everything is being stopped is no news.
      if (!abort.signal.aborted) console.error(`ficus: ${reason(error)}`);
      return 1;
    });
  const asked = new Promise<number>((resolve) => {
    for (const [name, status] of Object.entries(STATUS))
      process.on(name, () => {
        if (abort.signal.aborted) process.exit(status);
        console.error(`ficus: ${name}: stopping everything`);
        abort.abort();
        resolve(status);
      });
  });
  const failed = new Promise<number>((resolve) => {
    const end = (error: unknown) => {
      if (!abort.signal.aborted) console.error(error);
      resolve(1);
    };
    process.on('uncaughtException', end);
    process.on('unhandledRejection', end);
  });
  const status = await Promise.race([running, asked, failed]);
  await supervisor.stopAll();
  await Promise.race([running, sleep(SETTLE_MS)]);
  process.exit(status);
}

/** The message for the user; the whole stack when FICUS_DEBUG is set. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return process.env.FICUS_DEBUG ? (error.stack ?? error.message) : error.message;
}
