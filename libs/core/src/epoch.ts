/**
 * Which epoch a record belongs to: that of its offset, never the one in force when it is applied. What was in the log
 * before another database became the authority is of the epoch before, however late it is read. Nor does an offset order
 * anything against those of another epoch: the topic may have been made anew in between, and begin again.
 */

/** The first offsets (digits) of an epoch. A partition that is not named came later. */
export type EpochFirsts = readonly {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** Kafka's id of the topic in which that offset is; absent: nobody knew. */
  readonly log?: string;
}[];

/** A record's place in the log of a unit. */
export interface LogPlace {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  /** Kafka's id of the topic; absent: nobody knows. */
  readonly log?: string;
}

/**
 * What was fetched of a topic before it was made anew may be in hand still when the epoch begins, so an offset counts only
 * in the topic of which it was taken.
 * @param current the epoch in force.
 * @param beginnings where it and the ones before it begin, the newest last; what lies below all is of one epoch more before.
 */
export function epochLookup(current: number, beginnings: readonly EpochFirsts[]): (of: LogPlace) => number {
  if (beginnings.length === 0) return () => current;
  const newestFirst = beginnings
    .toReversed()
    .map(
      (firsts) => new Map(firsts.map((one) => [nameOf(one), { log: one.log, offset: BigInt(one.offset) }])),
    );
  return ({ topic, partition, offset, log }) => {
    const name = nameOf({ topic, partition });
    const age = newestFirst.findIndex((firsts) => {
      const first = firsts.get(name);
      if (first === undefined) return true;
      const isOther = first.log !== undefined && log !== undefined && first.log !== log;
      return !isOther && offset >= first.offset;
    });
    return current - (age < 0 ? newestFirst.length : age);
  };
}

/** The first offset of an epoch in a partition. */
export function firstOf(firsts: EpochFirsts, of: Omit<LogPlace, 'offset'>): bigint {
  return BigInt(beginningOf(firsts, of)?.offset ?? 0);
}

/** Does the epoch begin in that very topic, and not in one that had its name before? @param log Kafka's id of it. */
export function beginsIn(firsts: EpochFirsts, of: Omit<LogPlace, 'offset'>, log: string): boolean {
  return beginningOf(firsts, of)?.log === log;
}

function beginningOf(firsts: EpochFirsts, { topic, partition }: Omit<LogPlace, 'offset'>) {
  return firsts.find((one) => one.topic === topic && one.partition === partition);
}

function nameOf({ topic, partition }: Omit<LogPlace, 'offset'>): string {
  return `${topic}/${partition}`;
}
