import { parseArgs } from 'node:util';
import { HANDOVER_STAGES } from '#core/handover';
import { type Outcome, simulate } from './simulation.ts';
import { MUTATIONS, type Mutation } from './world.ts';

const USAGE = `usage: npm run simulate -- [options]
  --seeds N        worlds to play (20000)
  --from N         the first seed (1)
  --mutation NAME  break the protocol so: ${Object.keys(MUTATIONS).join(', ')}
  --mutations      each of these in turn; it must show within that many seeds
  --trace          with one seed: all that happened`;

const PROGRESS = 2_000;

process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: 'string', default: '20000' },
        from: { type: 'string', default: '1' },
        mutation: { type: 'string' },
        mutations: { type: 'boolean', default: false },
        trace: { type: 'boolean', default: false },
      },
    });
    const seeds = whole('seeds', values.seeds);
    const from = whole('from', values.from);
    if (values.mutations) return await playMutations(from, seeds);
    const mutation = values.mutation === undefined ? undefined : mutationOf(values.mutation);
    return await playAll({
      from,
      seeds,
      trace: values.trace,
      ...(mutation === undefined ? {} : { mutation }),
    });
  } catch (error) {
    console.error(error instanceof Error ? `${error.message}\n${USAGE}` : error);
    return 2;
  }
}

/** @returns 1 when one has failed. */
async function playAll(given: {
  readonly from: number;
  readonly seeds: number;
  readonly trace: boolean;
  readonly mutation?: Mutation;
}): Promise<number> {
  const { from, seeds, trace, ...of } = given;
  const killedAt = new Map<string, number>(HANDOVER_STAGES.map(({ name }) => [name, 0]));
  const sums = { failed: 0, steps: 0, done: 0, cancelled: 0, kills: 0, acknowledged: 0 };
  for (let seed = from; seed < from + seeds; seed += 1) {
    const outcome = await play({ seed, ...of });
    if (trace) console.log(outcome.trace.join('\n'));
    if (outcome.faults.length > 0) {
      sums.failed += 1;
      console.log(`seed ${seed}:\n  ${outcome.faults.join('\n  ')}`);
    }
    sums.steps += outcome.steps;
    sums.done += outcome.flips.done;
    sums.cancelled += outcome.flips.cancelled;
    sums.kills += outcome.kills;
    sums.acknowledged += outcome.acknowledged;
    for (const stage of outcome.killedAt) killedAt.set(stage, (killedAt.get(stage) ?? 0) + 1);
    if ((seed - from + 1) % PROGRESS === 0) console.log(`${seed - from + 1} of ${seeds} seeds`);
  }
  console.log(
    `${seeds} seeds from ${from}: ${sums.failed} failed; ${sums.acknowledged} acknowledged writes, ${sums.done} flips done and ` +
      `${sums.cancelled} given up, ${sums.kills} kills, ${sums.steps} steps`,
  );
  console.log(
    `who carried a flip was killed at ${[...killedAt].map(([stage, count]) => `${stage} ${count}`).join(', ')}`,
  );
  return sums.failed > 0 ? 1 : 0;
}

/** @returns 1 when one has not shown. */
async function playMutations(from: number, seeds: number): Promise<number> {
  let hidden = 0;
  for (const [mutation, what] of Object.entries(MUTATIONS)) {
    let shown: string | null = null;
    for (let seed = from; seed < from + seeds && shown === null; seed += 1) {
      const [fault] = (await play({ seed, mutation: mutation as Mutation })).faults;
      if (fault !== undefined) shown = `seed ${seed}: ${fault}`;
    }
    if (shown === null) hidden += 1;
    console.log(`${mutation} (${what})\n  ${shown ?? `NOT SHOWN within ${seeds} seeds`}`);
  }
  return hidden > 0 ? 1 : 0;
}

/** One that does not come to an end has failed, too. */
async function play(options: { readonly seed: number; readonly mutation?: Mutation }): Promise<Outcome> {
  try {
    return await simulate(options);
  } catch (error) {
    const none = { steps: 0, flips: { done: 0, cancelled: 0 }, kills: 0, killedAt: [], acknowledged: 0 };
    return { ...none, faults: [String(error)], trace: [] };
  }
}

function mutationOf(name: string): Mutation {
  if (Object.hasOwn(MUTATIONS, name)) return name as Mutation;
  throw new Error(`--mutation ${name}: legal are ${Object.keys(MUTATIONS).join(', ')}`);
}

function whole(name: string, text: string): number {
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new Error(`--${name} ${text}: legal is a whole number from 1 on`);
}
