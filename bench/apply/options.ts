import { parseArgs } from 'node:util';

export const CONTESTANTS = ['ficus', 'g', 'u', 'sink'] as const;
export type Contestant = (typeof CONTESTANTS)[number];
export const CASES = ['repeated', 'embedded', 'stale', 'snapshot', 'avro'] as const;
export type Case = (typeof CASES)[number];

export interface ApplyOptions {
  readonly events: number;
  readonly keys: number;
  readonly rounds: number;
  readonly contestants: readonly Contestant[];
  readonly cases: readonly Case[];
  /** Fail when something that is required is missed. */
  readonly check: boolean;
  /** Folder for the CPU profiles of Ficus; undefined: none are taken. */
  readonly profile: string | undefined;
}

const EVENTS = 200_000;
const ROUNDS = 5;

export const USAGE = `usage: npm run bench:apply -- [options]
  --events N     events of a backlog, and a quarter as many keys (${EVENTS})
  --rounds N     measured rounds after the warm-up (${ROUNDS})
  --only NAMES   of ${[...CONTESTANTS, ...CASES].join(', ')} (all)
  --check        exit status 1 when something that is required is missed
  --profile DIR  write CPU profiles of the process that runs Ficus`;

/** As many keys as the default backlog of 200,000 events has for its 50,000. */
export function keysOf(events: number): number {
  return Math.ceil(events / 4);
}

/** @throws Error that says what is legal. */
export function applyOptions(args: readonly string[]): ApplyOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: 'string', default: String(EVENTS) },
      rounds: { type: 'string', default: String(ROUNDS) },
      only: { type: 'string' },
      check: { type: 'boolean', default: false },
      profile: { type: 'string' },
    },
  });
  const only = values.only?.split(',');
  const known: readonly string[] = [...CONTESTANTS, ...CASES];
  const stranger = only?.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new Error(`--only ${stranger}: legal are ${known.join(', ')}`);
  const events = count('events', values.events);
  return {
    events,
    keys: keysOf(events),
    rounds: count('rounds', values.rounds),
    contestants: CONTESTANTS.filter((name) => only?.includes(name) ?? true),
    cases: CASES.filter((name) => only?.includes(name) ?? true),
    check: values.check,
    profile: values.profile,
  };
}

/** @throws Error that says what is legal. */
export function count(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} ${text}: legal is a whole number above 0`);
}
