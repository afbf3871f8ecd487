import { parseArgs } from 'node:util';
import { waitFor } from '../../sandbox/src/process/poll.ts';
import { runSession, type Session } from '../../sandbox/src/session.ts';
import { count } from '../apply/options.ts';
import { fixed, missed, verdicts, whole } from '../figures.ts';
import { cpuMs, peakBytes } from '../process/usage.ts';
import { openRig } from '../rig.ts';
import { demandsOf, report, seenOf } from './legs.ts';
import { startReplicator } from './replicator.ts';
import { changeSteadily, createSource, WATCHED_SHARE } from './source.ts';
import { Watch } from './watch.ts';

/** Changes of the first seconds are not counted: every process is still warming up. */
const WARM_UP_SECONDS = 10;
const ARRIVAL_MS = 60_000;

const log = (line: string): void => console.log(line);

await runSession((session) => bench(session));

async function bench({ supervisor }: Session): Promise<number> {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '60' },
      check: { type: 'boolean', default: false },
    },
  });
  const rate = count('rate', values.rate);
  const seconds = count('seconds', values.seconds);
  const rig = await openRig({ supervisor, log, names: ['kafka', 'connect', 'mongo', 'postgres'] });
  try {
    const url = await createSource(rig.servers.env.TEST_POSTGRES_URL ?? '', 'shop');
    log('the replicator reads the table');
    const replicator = await startReplicator(rig, url);
    const watch = await Watch.open(rig);
    log(`${whole(rate)} changes/s for ${WARM_UP_SECONDS} + ${seconds} s`);
    const before = await cpuMs(replicator.pid);
    const reached = await changeSteadily(url, { rate, seconds: WARM_UP_SECONDS + seconds });
    const total = rate * (WARM_UP_SECONDS + seconds);
    await waitFor('the last change', async () => arrived(watch, total - 1), { timeoutMs: ARRIVAL_MS });
    const cpu = (await cpuMs(replicator.pid)) - before;
    await watch.close();
    const seen = seenOf(watch.sightings, { from: rate * WARM_UP_SECONDS, to: total });
    log(`\n${report(seen, { reached, of: rate * seconds * WATCHED_SHARE })}`);
    log(
      `The replicator used ${fixed((cpu * 1_000) / total, 1)} µs CPU for each change and at most ` +
        `${whole((await peakBytes(replicator.pid)) / 1e6)} MB.\n`,
    );
    const demands = demandsOf(seen);
    log(verdicts(demands));
    return values.check && missed(demands).length > 0 ? 1 : 0;
  } finally {
    await rig.close();
  }
}

async function arrived({ sightings }: Watch, number: number): Promise<void> {
  const { sent, readable } = sightings.get(number) ?? {};
  if (sent === undefined || readable === undefined) throw new Error(`change ${number} has not arrived`);
}
