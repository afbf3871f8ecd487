import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { startDerby } from './derby.ts';
import { startShim } from './shim.ts';

/**
 * The process that is the STAND-IN for a Db2 server: Derby, the shim in front of it, and the change capture, which is
 * a process of its own so that its work does not delay the shim. All are in one process group. A capture that ends is
 * started again and goes on where it was; with Derby all end.
 *
 * The one argument is the settings as JSON. SIGTERM ends it in order.
 */
const Settings = z.object({
  java: z.string(),
  classPath: z.string(),
  dataDir: z.string(),
  database: z.string(),
  users: z.record(z.string(), z.string()),
  owner: z.string(),
  ports: z.object({ db2: z.number(), derby: z.number(), connect: z.number() }),
  url: z.string(),
  brokers: z.string(),
});
export type HostSettings = z.infer<typeof Settings>;

const HOST = '127.0.0.1';
const CAPTURE = fileURLToPath(new URL('./capture/main.ts', import.meta.url));

const settings = Settings.parse(JSON.parse(process.argv[2] ?? '{}'));
const { ports } = settings;

const derby = await startDerby({ ...settings, dataDir: `${settings.dataDir}/derby`, port: ports.derby });
const shim = await startShim({
  listen: { host: HOST, port: ports.db2 },
  derby: { host: HOST, port: ports.derby },
  onFault: (message) => console.error(`shim: ${message}`),
});

const CAPTURE_PAUSE_MS = 500;
let ending = false;
let capture = startCapture();
console.log(
  `the Db2 stand-in listens on ${HOST}:${ports.db2}, its change capture on ${HOST}:${ports.connect}`,
);

process.once('SIGTERM', () => {
  ending = true;
  void end(capture)
    .then(() => shim.close())
    .then(() => end(derby))
    .then(() => process.exit(0));
});
derby.once('exit', (code, signal) => {
  if (ending) return;
  console.error(`Derby ended with ${code ?? signal}: ending all of the stand-in`);
  ending = true;
  capture.kill('SIGKILL');
  process.exit(1);
});

function startCapture(): ChildProcess {
  const started = spawn(
    process.execPath,
    [
      '--conditions=source',
      CAPTURE,
      JSON.stringify({
        url: settings.url,
        brokers: settings.brokers,
        database: settings.database,
        port: ports.connect,
        dataDir: `${settings.dataDir}/capture`,
      }),
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  started.once('exit', (code, signal) => {
    if (ending) return;
    console.error(`the change capture ended with ${code ?? signal}: it is started again`);
    setTimeout(() => {
      if (!ending) capture = startCapture();
    }, CAPTURE_PAUSE_MS);
  });
  return started;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}
