import { type Demand, fixed, quantile, table, whole } from '../figures.ts';
import type { Sighting } from './watch.ts';

/** A change that was seen everywhere. */
export type Seen = Required<Sighting>;

/** Changes of these numbers. One that a later change of its row overtook has no document of its own. */
export function seenOf(
  sightings: ReadonlyMap<number, Sighting>,
  { from, to }: { from: number; to: number },
): Seen[] {
  return [...sightings].flatMap(([number, { committed, sent, readable }]) =>
    number < from || number >= to || committed === undefined || sent === undefined || readable === undefined
      ? []
      : [{ committed, sent, readable }],
  );
}

const LEGS = {
  'commit to Kafka': ({ committed, sent }: Seen) => sent - committed,
  'Kafka to readable document': ({ sent, readable }: Seen) => readable - sent,
  'commit to readable document': ({ committed, readable }: Seen) => readable - committed,
} as const;

export function report(seen: readonly Seen[], given: { reached: number; of: number }): string {
  const rows = Object.entries(LEGS).map(([name, of]) => {
    const all = seen.map(of);
    return [name, ...[0.5, 0.95, 0.99, 1].map((share) => fixed(quantile(all, share), 0))];
  });
  return [
    `${whole(seen.length)} of ${whole(given.of)} watched changes seen everywhere, of all that were made at ${whole(given.reached)}/s; ms:`,
    table([['', 'p50', 'p95', 'p99', 'most'], ...rows]),
  ].join('\n');
}

export function demandsOf(seen: readonly Seen[]): readonly Demand[] {
  const added = seen.map(LEGS['Kafka to readable document']);
  const all = seen.map(LEGS['commit to readable document']);
  const limits = { sense: 'at most', unit: ' ms' } as const;
  return [
    { what: 'commit to readable document, p99', value: quantile(all, 0.99), limit: 1_000, ...limits },
    { what: 'what Ficus adds after Kafka, p50', value: quantile(added, 0.5), limit: 35, ...limits },
    { what: 'what Ficus adds after Kafka, p99', value: quantile(added, 0.99), limit: 90, ...limits },
  ];
}
