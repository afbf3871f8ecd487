import { join } from 'node:path';
import { NODE, REPOSITORY } from '../paths.ts';
import { freePort } from '../ports.ts';
import type { Supervisor } from '../process/supervisor.ts';
import { Daemon } from '../server/daemon.ts';

export const APPS = ['replicator', 'facade', 'reconciler', 'admin'] as const;
export type AppName = (typeof APPS)[number];

/** A running app: killed and restarted on the same port, like a server. */
export interface App {
  readonly daemon: Daemon<AppName>;
  readonly url: string;
}

/** Starts one of the four apps from `dist` and waits until it answers. @param settings the FICUS_* variables. */
export async function startApp(
  name: AppName,
  settings: Readonly<Record<string, string>>,
  given: { dataDir: string; supervisor: Supervisor },
): Promise<App> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const daemon = new Daemon(
    {
      name,
      env: {},
      process: {
        command: NODE,
        args: ['--enable-source-maps', join(REPOSITORY, 'dist', 'apps', name, 'src', 'main.js')],
        cwd: REPOSITORY,
        // Each call of IBM's driver holds a thread of this pool while it waits for the server.
        env: {
          ...settings,
          UV_THREADPOOL_SIZE: '16',
          FICUS_HTTP_PORT: String(port),
          FICUS_INSTANCE: `${name}-1`,
        },
        logFile: join(given.dataDir, `${name}.log`),
      },
      health: async () => {
        const answer = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(3_000) });
        if (!answer.ok) throw new Error(`${name} answered ${answer.status}`);
      },
      stage: 0,
    },
    given.supervisor,
  );
  await daemon.restart();
  return { daemon, url };
}
