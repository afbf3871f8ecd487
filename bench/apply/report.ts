import { type Demand, fixed, median, table, whole } from '../figures.ts';
import { TUNING, WRITE_CONCERN } from '../sink/connector.ts';
import type { CaseName } from './cases.ts';
import type { Contest } from './contest.ts';
import type { Contestant } from './options.ts';
import type { Prepared } from './prepared.ts';
import { type Run, rateOf } from './run.ts';

const TITLES: Readonly<Record<Contestant, string>> = {
  ficus: 'Ficus, end to end',
  g: 'ceiling G, guarded, from memory',
  u: 'ceiling U, unguarded, from memory',
  sink: "MongoDB's sink connector",
};
const HEAD = ['', 'events/s', 'least', 'most', 'CPU µs', 'mongod µs', 'peak MB'];
const MEGABYTE = 1e6;

export function medianRate(runs: readonly Run[] = []): number {
  return median(runs.map(rateOf));
}

export function contestTable({ runs }: Contest): string {
  if (runs.size === 0) return '';
  return table([HEAD, ...[...runs].map(([name, own]) => runRow(TITLES[name], own))]);
}

/** Medians of the runs: rate with its extremes, CPU for each event of the process and of MongoDB, peak memory. */
export function runRow(title: string, runs: readonly Run[]): string[] {
  const rates = runs.map(rateOf);
  const perEvent = (of: (run: Run) => number): number =>
    median(runs.map((run) => (of(run) * 1_000) / run.events));
  return [
    title,
    ...[median(rates), Math.min(...rates), Math.max(...rates)].map(whole),
    fixed(
      perEvent((run) => run.cpuMs),
      1,
    ),
    fixed(
      perEvent((run) => run.mongodMs),
      1,
    ),
    whole(median(runs.map((run) => run.peakBytes)) / MEGABYTE),
  ];
}

/** Ratios of medians of one run of the benchmark. */
export function contestDemands({ runs }: Contest): readonly Demand[] {
  const rate = (name: Contestant): number => medianRate(runs.get(name));
  const [ficus, g, u, sink] = [rate('ficus'), rate('g'), rate('u'), rate('sink')];
  const sense = 'at least';
  return [
    { what: 'Ficus / G', value: ficus / g, limit: 1, sense },
    { what: 'Ficus / U', value: ficus / u, limit: 0.6, sense },
    { what: 'Ficus / sink connector', value: ficus / sink, limit: 1.3, sense },
    { what: 'Ficus / U', value: ficus / u, limit: 0.75, sense, isAim: true },
    { what: 'Ficus / sink connector', value: ficus / sink, limit: 1.6, sense, isAim: true },
  ];
}

const CASE_TITLES: Readonly<Record<CaseName, string>> = {
  fresh: 'mixed backlog, as above',
  stale: 'the same again: all stale',
  repeated: 'four changes of a key in a batch',
  embedded: 'embedded children, two topics',
  avro: 'Avro in place of JSON',
  snapshot: 'snapshot into an empty collection',
  insert: 'bare insertMany of its documents',
};

export function casesTable(cases: ReadonlyMap<CaseName, readonly Run[]>): string {
  return table([HEAD, ...[...cases].map(([name, runs]) => runRow(CASE_TITLES[name], runs))]);
}

/** What nothing is demanded of, as a ratio all the same. */
export function caseRatios(cases: ReadonlyMap<CaseName, readonly Run[]>): string {
  const fresh = medianRate(cases.get('fresh'));
  const rows = (['repeated', 'embedded', 'avro'] as const)
    .filter((name) => cases.has(name))
    .map((name) => [`${CASE_TITLES[name]} / mixed`, fixed(medianRate(cases.get(name)) / fresh, 2)]);
  return table(rows);
}

export function caseDemands(cases: ReadonlyMap<CaseName, readonly Run[]>): readonly Demand[] {
  const rate = (name: CaseName): number => medianRate(cases.get(name));
  const sense = 'at least';
  return [
    { what: 'stale replay / fresh apply', value: rate('stale') / rate('fresh'), limit: 2, sense },
    { what: 'snapshot / insertMany', value: rate('snapshot') / rate('insert'), limit: 0.4, sense },
  ];
}

/** What the backlog is like, and that the contestants wrote documents of one size. */
export function backlogLines(
  { backlog, eventBytes, repeats }: Prepared,
  { documentBytes, guard, sinkSettings }: Contest,
): string {
  const lines = [
    `${whole(backlog.events)} events of ${whole(eventBytes)} bytes, ${whole(backlog.keys)} keys, 4 partitions;`,
    `${fixed(repeats * 100, 2)} % of a batch of 1,000 repeat a key of it.`,
  ];
  if (documentBytes.size === 0) return lines.join('\n');
  const bytes = [...documentBytes].map(([what, size]) => `${what} ${whole(size)}`);
  return [
    ...lines,
    `Bytes of a document: ${bytes.join(', ')}.`,
    ...(guard === null
      ? []
      : [
          `G guards in ${guard === 'filter' ? 'the filter' : 'an update pipeline'}, the faster way in the warm-up.`,
        ]),
    ...(sinkSettings === null ? [] : ['Sink connector:', ...settingLines({ ...sinkSettings, ...TUNING })]),
  ].join('\n');
}

function settingLines(settings: Readonly<Record<string, string>>): string[] {
  return [...Object.entries(settings), ['connection.uri', `... ${WRITE_CONCERN}`]].map(
    ([name, value]) => `  ${name}=${value}`,
  );
}
