/**
 * Which epoch a record belongs to: that of its offset, never the one in force when it is applied. What was in the log
 * before another database became the authority is of the epoch before, however late it is read, or replayed.
 */

/** The first offsets (digits) of an epoch. A partition that is not named came later. */
export type EpochFirsts = readonly {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}[];

/** A record's place in the log of a unit. */
export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * @param current the epoch in force.
 * @param beginnings where it and the ones before it begin, the newest last; what lies below all is of one epoch more before.
 */
export function epochLookup(current: number, beginnings: readonly EpochFirsts[]): (of: LogPlace) => number {
  if (beginnings.length === 0) return () => current;
  const newestFirst = beginnings
    .toReversed()
    .map((firsts) => new Map(firsts.map(({ offset, ...of }) => [nameOf(of), BigInt(offset)])));
  return ({ topic, partition, offset }) => {
    const name = nameOf({ topic, partition });
    const age = newestFirst.findIndex((firsts) => offset >= (firsts.get(name) ?? 0n));
    return current - (age < 0 ? newestFirst.length : age);
  };
}

function nameOf({ topic, partition }: Omit<LogPlace, 'offset'>): string {
  return `${topic}/${partition}`;
}
