import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export const ENGINES = ['native', 'docker'] as const;
/** How servers run: as processes of this machine, or in containers. */
export type Engine = (typeof ENGINES)[number];

/** An engine and why it was chosen, to be shown. */
export type EngineChoice = { engine: Engine; reason: string };

const PROBE_MS = 2_000;

/** Images where a daemon answers, processes where none does; FICUS_ENGINE decides instead when it is set. */
export async function chooseEngine(
  env: Readonly<Record<string, string | undefined>> = process.env,
  probe: () => Promise<string | undefined> = whyNotDocker,
): Promise<EngineChoice> {
  const wanted = env.FICUS_ENGINE;
  if (wanted) {
    const engine = ENGINES.find((name) => name === wanted);
    if (engine === undefined) throw new Error(`FICUS_ENGINE is '${wanted}': legal are ${ENGINES.join(', ')}`);
    return { engine, reason: 'FICUS_ENGINE says so' };
  }
  const obstacle = await probe();
  return obstacle === undefined
    ? { engine: 'docker', reason: 'a Docker daemon answers' }
    : { engine: 'native', reason: obstacle };
}

/** What keeps containers from being used; undefined when nothing does. The client alone is not enough. */
async function whyNotDocker(): Promise<string | undefined> {
  if (!(await succeeds('info'))) return 'no Docker daemon answers';
  if (!(await succeeds('compose', 'version'))) return 'the Docker client has no Compose';
  return undefined;
}

function succeeds(...args: string[]): Promise<boolean> {
  return promisify(execFile)('docker', args, { timeout: PROBE_MS }).then(
    () => true,
    () => false,
  );
}
