/**
 * Which transactions of the log have ended, and in which order they are given commit positions. Derby keeps no commit
 * log that can be read, so the order is found from outside, without blocking anybody and without being blocked:
 *
 * 1. `limit`: the next value of the log's sequence, peeked. Every change below it was drawn before.
 * 2. first look: the transactions that have rows in the log, uncommitted ones included (uncommitted read).
 * 3. the transactions that are active now.
 * 4. second look. A transaction of the first look that was not active at 3 has ended: what the second look shows of it
 *    is final, and nothing at all is left of one that was rolled back.
 * 5. Of those, the ones whose rows all lie below `limit` commit now, in the order of their last change.
 *
 * Why that is a right order: let T2 follow T1 on some row. T1 held the row's lock to its end, so T2 drew its change of
 * the row after all of T1's; with T2's below `limit`, all of T1's rows stood in the log before the first look, and T1
 * had ended before T2 could. So T1 is taken in the same pass or an earlier one, and its last change is below T2's. The
 * same holds when T1 merely ended, as its client knows, before T2 began.
 *
 * One hole is left: Derby lets a transaction's locks go a moment before it stops showing it as active, so T1 may seem
 * active while T2 has come and gone. It shows in the log: T2 has a later change of a row that T1 changed, which T1's
 * lock forbids while it lives. Such a pass takes nothing and is made again (`inFlight` are the T1s to look for).
 */
export interface Sighting {
  readonly unit: string;
  readonly first: bigint;
  readonly last: bigint;
  /** Microseconds since the epoch of its last change. */
  readonly at: bigint;
}

export interface Looks {
  readonly limit: bigint;
  readonly firstLook: ReadonlySet<string>;
  readonly active: ReadonlySet<string>;
  readonly secondLook: readonly Sighting[];
}

/** @param committed the last change of each transaction that has its commit position: Derby's numbers come again after a restart. */
export function endedUnits(looks: Looks, committed: ReadonlyMap<string, bigint>): readonly Sighting[] {
  return looks.secondLook
    .flatMap((sighting) => uncommittedPart(sighting, committed.get(sighting.unit)))
    .filter(({ unit, last }) => looks.firstLook.has(unit) && !looks.active.has(unit) && last < looks.limit)
    .sort((a, b) => (a.last < b.last ? -1 : 1));
}

/** Transactions that the second look shows and that are not taken: active ones, and what only seems so. */
export function inFlightUnits(
  looks: Looks,
  committed: ReadonlyMap<string, bigint>,
  ended: readonly Sighting[],
): readonly Sighting[] {
  const taken = new Set(ended.map(({ unit }) => unit));
  return looks.secondLook
    .flatMap((sighting) => uncommittedPart(sighting, committed.get(sighting.unit)))
    .filter(({ unit }) => !taken.has(unit));
}

export interface KeyChange {
  readonly key: string;
  readonly sequence: bigint;
  readonly unit: string;
}

/** Has one of `after` changed a row later than one of `before` did? @param changes of one table. */
export function isOvertaken(
  changes: readonly KeyChange[],
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
): boolean {
  const held = new Set<string>();
  for (const { key, unit } of [...changes].sort((a, b) => (a.sequence < b.sequence ? -1 : 1))) {
    if (before.has(unit)) held.add(key);
    else if (after.has(unit) && held.has(key)) return true;
  }
  return false;
}

function uncommittedPart(sighting: Sighting, known: bigint | undefined): readonly Sighting[] {
  if (known === undefined) return [sighting];
  return sighting.last > known ? [{ ...sighting, first: known + 1n }] : [];
}

/** One table's share of a transaction joined with the others'. */
export function mergeSightings(parts: readonly Sighting[]): readonly Sighting[] {
  const merged = new Map<string, Sighting>();
  for (const part of parts) {
    const known = merged.get(part.unit);
    merged.set(
      part.unit,
      known === undefined
        ? part
        : {
            unit: part.unit,
            first: least(part.first, known.first),
            last: greatest(part.last, known.last),
            at: greatest(part.at, known.at),
          },
    );
  }
  return [...merged.values()];
}

/**
 * From where the log must still be looked through. A change that was drawn may not be in the log yet, but its
 * transaction is active then; so the floor rises to a limit once all that were active at that time have ended and one
 * more pass has been made.
 */
export class Floor {
  private value = 0n;
  private next: {
    readonly limit: bigint;
    readonly active: ReadonlySet<string>;
    readonly armed: boolean;
  } | null = null;

  get current(): bigint {
    return this.value;
  }

  passed(limit: bigint, active: ReadonlySet<string>): void {
    if (this.next?.armed) {
      this.value = this.next.limit;
      this.next = null;
    }
    if (this.next === null) this.next = { limit, active, armed: active.size === 0 };
    else if ([...this.next.active].every((unit) => !active.has(unit)))
      this.next = { ...this.next, armed: true };
  }
}

/** `Math.min` and `Math.max` know no 64-bit integers. */
export function least(...values: readonly bigint[]): bigint {
  return [...values].sort((a, b) => (a < b ? -1 : 1))[0] ?? 0n;
}

export function greatest(...values: readonly bigint[]): bigint {
  return [...values].sort((a, b) => (a < b ? 1 : -1))[0] ?? 0n;
}
