import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  endedUnits,
  Floor,
  inFlightUnits,
  isOvertaken,
  type Looks,
  mergeSightings,
  type Sighting,
} from './order.ts';

const sighting = (unit: string, first: number, last: number): Sighting => ({
  unit,
  first: BigInt(first),
  last: BigInt(last),
  at: 0n,
});

function looks(
  limit: number,
  firstLook: readonly string[],
  active: readonly string[],
  secondLook: readonly Sighting[],
): Looks {
  return { limit: BigInt(limit), firstLook: new Set(firstLook), active: new Set(active), secondLook };
}

interface Case {
  readonly name: string;
  readonly looks: Looks;
  readonly committed?: ReadonlyMap<string, bigint>;
  readonly ended: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: 'in the order of the last change',
    looks: looks(10, ['A', 'B'], [], [sighting('A', 1, 9), sighting('B', 2, 5)]),
    ended: ['B', 'A'],
  },
  {
    name: 'not while it is active',
    looks: looks(10, ['A', 'B'], ['A'], [sighting('A', 1, 3), sighting('B', 2, 5)]),
    ended: ['B'],
  },
  { name: 'not what was rolled back', looks: looks(10, ['A'], [], []), ended: [] },
  { name: 'not what only the second look saw', looks: looks(10, [], [], [sighting('A', 1, 3)]), ended: [] },
  { name: 'not what goes on behind the limit', looks: looks(3, ['A'], [], [sighting('A', 1, 3)]), ended: [] },
  {
    name: 'not a second time',
    looks: looks(10, ['A'], [], [sighting('A', 1, 3)]),
    committed: new Map([['A', 3n]]),
    ended: [],
  },
  {
    name: 'again when its number came again',
    looks: looks(10, ['A'], [], [sighting('A', 1, 8)]),
    committed: new Map([['A', 3n]]),
    ended: ['A'],
  },
];

describe('endedUnits', () => {
  it.each(cases)('$name', (one) => {
    expect(endedUnits(one.looks, one.committed ?? new Map()).map(({ unit }) => unit)).toEqual(one.ended);
  });

  it('joins the shares of several tables', () => {
    expect(mergeSightings([sighting('A', 4, 6), sighting('B', 1, 1), sighting('A', 2, 5)])).toEqual([
      sighting('A', 2, 6),
      sighting('B', 1, 1),
    ]);
  });
});

/**
 * A model of the database: transactions lock keys, draw numbers, write log rows and end, one small step at a time,
 * while the capture looks; a look sees rows at different moments, as a scan that takes no locks does.
 */
interface Transaction {
  readonly name: string;
  readonly keys: readonly number[];
  readonly commits: boolean;
}

interface LogRow {
  readonly unit: string;
  readonly sequence: bigint;
  readonly key: number;
}

class Database {
  next = 1n;
  /** Slots: a row stays where it was put, and the place of one that was rolled back is used again. */
  readonly slots: (LogRow | null)[] = [];
  readonly active = new Set<string>();
  readonly ended: string[] = [];
  /** Over, their locks gone, but still shown as active. */
  private readonly leaving = new Set<string>();
  private readonly locks = new Map<number, string>();
  private readonly progress = new Map<string, { place: number; drawn: bigint | null }>();

  /** Makes one step of a transaction; does nothing when it waits for a lock or is over. */
  step(transaction: Transaction): void {
    const { name, keys, commits } = transaction;
    const at = this.progress.get(name) ?? { place: 0, drawn: null };
    const key = keys[at.place];
    if (this.ended.includes(name)) return;
    if (this.leaving.has(name)) {
      this.active.delete(name);
      this.ended.push(name);
      return;
    }
    if (key === undefined) {
      this.end(name, commits);
      return;
    }
    const holder = this.locks.get(key);
    if (holder !== undefined && holder !== name) return;
    this.locks.set(key, name);
    this.active.add(name);
    if (at.drawn === null) {
      this.progress.set(name, { place: at.place, drawn: this.next++ });
    } else {
      const free = this.slots.indexOf(null);
      this.slots[free < 0 ? this.slots.length : free] = { unit: name, sequence: at.drawn, key };
      this.progress.set(name, { place: at.place + 1, drawn: null });
    }
  }

  private end(name: string, commits: boolean): void {
    if (!commits)
      for (const [place, row] of this.slots.entries()) if (row?.unit === name) this.slots[place] = null;
    this.leaving.add(name);
    for (const [key, holder] of this.locks) if (holder === name) this.locks.delete(key);
  }
}

describe('a capture of the model', () => {
  it('takes each committed transaction once and whole, and for each key in the order of its changes', () => {
    const transactions = fc
      .array(
        fc.record({
          keys: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }),
          commits: fc.boolean(),
        }),
        { minLength: 1, maxLength: 8 },
      )
      .map((list) =>
        list.map(
          ({ keys, commits }, index): Transaction => ({ name: `T${index}`, keys: keys.sort(), commits }),
        ),
      );
    fc.assert(
      fc.property(transactions, fc.infiniteStream(fc.nat()), (all, choices) => {
        const random = choices[Symbol.iterator]();
        const choose = (below: number): number => Number(random.next().value) % below;
        const database = new Database();
        const floor = new Floor();
        const taken: string[] = [];
        const known = new Map<string, bigint>();
        const breathe = (): void => {
          // Several steps of one at a time: only then does another stand still for long.
          const one = all[choose(all.length)];
          for (let steps = choose(9); steps > 0; steps--) if (one !== undefined) database.step(one);
        };
        const look = (): readonly Sighting[] => {
          const found: Sighting[] = [];
          for (let at = 0; at < database.slots.length; at++) {
            const row = database.slots[at] ?? null;
            if (row !== null && row.sequence >= floor.current)
              found.push({ unit: row.unit, first: row.sequence, last: row.sequence, at: 0n });
            breathe();
          }
          return mergeSightings(found);
        };
        for (let pass = 0; pass < 2_000; pass++) {
          const over = database.ended.length === all.length;
          const limit = database.next;
          breathe();
          const first = look();
          const active = new Set(database.active);
          breathe();
          const looks = {
            limit,
            firstLook: new Set(first.map(({ unit }) => unit)),
            active,
            secondLook: look(),
          };
          const ended = endedUnits(looks, known);
          const inFlight = inFlightUnits(looks, known, ended);
          const units = (of: readonly Sighting[]): ReadonlySet<string> => new Set(of.map(({ unit }) => unit));
          const changes = database.slots
            .filter((row) => row !== null)
            .map(({ key, ...row }) => ({ ...row, key: String(key) }));
          if (isOvertaken(changes, units(inFlight), units(ended))) {
            breathe();
            continue;
          }
          for (const { unit, last } of ended) {
            taken.push(unit);
            known.set(unit, last);
          }
          floor.passed(limit, active);
          breathe();
          // One pass that began after the last transaction's end must have taken all that was left.
          if (over) break;
        }
        const committed = database.ended.filter((name) => all.find((one) => one.name === name)?.commits);
        expect([...taken].sort()).toEqual([...committed].sort());
        for (let key = 0; key < 5; key++) {
          const order = database.slots
            .filter((row) => row !== null)
            .filter((row) => row.key === key)
            .sort((x, y) => (x.sequence < y.sequence ? -1 : 1));
          expect(taken.filter((unit) => order.some((row) => row.unit === unit))).toEqual(
            order.map(({ unit }) => unit),
          );
        }
      }),
      { numRuns: 500 },
    );
  });
});
