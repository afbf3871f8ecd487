import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../../sandbox/src/ports.ts';
import { Progress } from '../../sandbox/src/progress.ts';
import { provision } from '../../sandbox/src/provision/provision.ts';
import { Daemon } from '../../sandbox/src/server/daemon.ts';
import { formatProperties, logFlags } from '../../sandbox/src/server/jvm.ts';
import type { Rig } from '../rig.ts';

/** A worker of Kafka Connect with MongoDB's sink connector as its only plug-in. */
export interface SinkWorker {
  readonly url: string;
  readonly pid: number | undefined;
  /** How its JVM and it are set, to be printed. */
  readonly settings: Readonly<Record<string, string>>;
}

const CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';

/** Unlike the sandbox's own servers it gets all compilers of Java and room: it is measured. */
const JVM = ['-Xms1g', '-Xmx1g', '-Djava.awt.headless=true', '-Dfile.encoding=UTF-8', '-Duser.timezone=UTC'];

export async function startSinkWorker(rig: Rig): Promise<SinkWorker> {
  const { supervisor, log, servers, brokers } = rig;
  const components = await provision(['java', 'jars', 'sink'], { supervisor, progress: new Progress(log) });
  const folder = join(servers.dataDir, 'sink');
  await mkdir(folder);
  const url = `http://127.0.0.1:${await freePort()}`;
  const worker = {
    'offset.flush.interval.ms': '5000',
    'key.converter': CONVERTER,
    'value.converter': CONVERTER,
    'key.converter.schemas.enable': 'false',
    'value.converter.schemas.enable': 'false',
  };
  const properties = join(folder, 'worker.properties');
  await writeFile(
    properties,
    formatProperties({
      'bootstrap.servers': brokers,
      listeners: url,
      'plugin.path': components.path('sink', 'plugins'),
      'plugin.discovery': 'hybrid_warn',
      'offset.storage.file.filename': join(folder, 'offsets'),
      ...worker,
    }),
  );
  const daemon = new Daemon(
    {
      name: 'sink connector',
      env: {},
      process: {
        command: components.java,
        args: [
          ...JVM,
          ...logFlags('warn'),
          ...[
            '-cp',
            components.classPath('kafka'),
            'org.apache.kafka.connect.cli.ConnectStandalone',
            properties,
          ],
        ],
        cwd: folder,
        logFile: join(folder, 'connect.log'),
      },
      health: async () => {
        const answer = await fetch(`${url}/health`, { signal: AbortSignal.timeout(3_000) });
        if (!answer.ok) throw new Error(`Kafka Connect answered ${answer.status}`);
      },
      timeoutMs: 120_000,
      stage: 1,
    },
    supervisor,
  );
  await daemon.restart();
  return { url, pid: daemon.pid, settings: { java: JVM.slice(0, 2).join(' '), ...worker } };
}
