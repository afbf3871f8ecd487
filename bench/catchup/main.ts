import { parseArgs } from 'node:util';
import { runSession, type Session } from '../../sandbox/src/session.ts';
import { dropCollection, expectCount } from '../apply/collections.ts';
import { runFicus } from '../apply/ficus.ts';
import { count, keysOf } from '../apply/options.ts';
import { prepare } from '../apply/prepared.ts';
import { rateOf } from '../apply/run.ts';
import { orderPlan } from '../backlog/order-plan.ts';
import { fixed, median, missed, verdicts, whole } from '../figures.ts';
import { openRig } from '../rig.ts';

/** Changes of a busy day. */
const DAY_OF_CHANGES = 4_400_000;
const MS_A_MINUTE = 60_000;

const log = (line: string): void => console.log(line);

await runSession((session) => bench(session));

/** Measures the rate of a shorter backlog and says how long a day's changes take at it. */
async function bench({ supervisor }: Session): Promise<number> {
  const { values } = parseArgs({
    options: {
      events: { type: 'string', default: '200000' },
      rounds: { type: 'string', default: '3' },
      check: { type: 'boolean', default: false },
    },
  });
  const events = count('events', values.events);
  const rounds = count('rounds', values.rounds);
  const rig = await openRig({ supervisor, log, names: ['kafka', 'mongo'] });
  try {
    const keys = keysOf(events);
    const { topic, from, starts, documents } = await prepare(rig, 'mixed', { kind: 'mixed', keys, events });
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const plan = orderPlan(`catchup-${round}`, topic);
      const run = await runFicus(rig, { plan, from, starts, events });
      await expectCount(rig, plan.collection, documents);
      await dropCollection(rig, plan.collection);
      rates.push(rateOf(run));
      log(`  round ${round + 1} of ${rounds}: ${whole(rateOf(run))} events/s`);
    }
    const rate = median(rates);
    const minutes = (DAY_OF_CHANGES * 1_000) / rate / MS_A_MINUTE;
    log(
      `\n${whole(events)} events are applied at ${whole(rate)} events/s (median of ${rounds}). At that rate, which is not ` +
        `measured over a whole day's, ${whole(DAY_OF_CHANGES)} changes take ${fixed(minutes, 1)} minutes.\n`,
    );
    const demands = [
      { what: 'a day of changes', value: minutes, limit: 60, sense: 'at most', unit: ' min' } as const,
    ];
    log(verdicts(demands));
    return values.check && missed(demands).length > 0 ? 1 : 0;
  } finally {
    await rig.close();
  }
}
