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

/** Where an epoch of a unit begins in its log. */
export interface EpochBeginning {
  readonly epoch: number;
  readonly firsts: EpochFirsts;
}

/** A record's place in the log of a unit. */
export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

/**
 * @param current the epoch in force.
 * @param beginnings of all epochs but the first one, in their order.
 */
export function epochLookup(
  current: number,
  beginnings: readonly EpochBeginning[],
): (of: LogPlace) => number {
  const [oldest] = beginnings;
  if (oldest === undefined) return () => current;
  const newestFirst = beginnings.toReversed().map(({ epoch, firsts }) => ({
    epoch,
    firsts: new Map(firsts.map(({ offset, ...of }) => [nameOf(of), BigInt(offset)])),
  }));
  return ({ topic, partition, offset }) => {
    const name = nameOf({ topic, partition });
    const own = newestFirst.find(({ firsts }) => offset >= (firsts.get(name) ?? 0n));
    return own?.epoch ?? oldest.epoch - 1;
  };
}

function nameOf({ topic, partition }: Omit<LogPlace, 'offset'>): string {
  return `${topic}/${partition}`;
}
