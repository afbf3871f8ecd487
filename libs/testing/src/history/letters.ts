import type { RowChange } from '#core/apply';
import { type ChangeEvent, doubtsOf, interpretEvent } from '#core/change-event';
import { rowName } from '#core/letter';
import type { Plan } from '#core/plan';
import type { LogModel } from './log.ts';
import { passOn } from './shape.ts';

interface Letter {
  readonly event: ChangeEvent;
  readonly row: string;
  /** The one that it was found to be of when it was put aside. */
  readonly epoch: number;
  state: 'dead' | 'waiting' | 'settled';
}

/** What reading a batch comes to. */
export interface Reading {
  readonly changes: readonly RowChange[];
  readonly letters: readonly Letter[];
}

type EpochOf = (event: ChangeEvent) => number;

/** From where on the events of a row wait: those of that epoch. */
type Parked = Map<string, { readonly epoch: number; readonly offset: bigint }>;

/** A model of the dead letters: which events cannot be read, and what waits behind them. */
export class LettersModel {
  readonly #plan: Plan;
  readonly #log: LogModel;
  /** Events that nobody can read; `opaque`: nothing but the key of them. */
  readonly #bad = new Map<ChangeEvent, 'readable' | 'opaque'>();
  readonly #letters = new Map<string, Letter>();

  constructor(plan: Plan, log: LogModel) {
    this.#plan = plan;
    this.#log = log;
  }

  spoil(event: ChangeEvent, opaque: boolean): void {
    const isKnown = [...this.#letters.values()].some((letter) => letter.event === event);
    if (!isKnown) this.#bad.set(event, opaque ? 'opaque' : 'readable');
  }

  /** Names of the rows with open letters, each with its epoch. */
  get rows(): readonly string[] {
    return this.#named(this.#open());
  }

  /** Reads events of any rows, each lane in its order. */
  read(events: readonly ChangeEvent[]): Reading {
    const parked: Parked = new Map();
    for (const { row, epoch, event } of this.#open().toSorted(byOffset))
      if ((parked.get(row)?.epoch ?? 0) < epoch) parked.set(row, { epoch, offset: event.log.offset });
    return this.#read(events, parked, (event) => this.#log.epochOf(event));
  }

  /** Keeps the letters of a batch, each once. */
  keep(letters: readonly Letter[]): void {
    for (const letter of letters)
      if (!this.#letters.has(idOf(letter))) this.#letters.set(idOf(letter), letter);
  }

  /**
   * What a replay or discard of a row's first dead letter would write. What only its key tells of can be discarded where
   * the key tells its document. Of an epoch before, nothing is applied: the source tells.
   */
  settle(name: string, what: 'replay' | 'discard'): readonly RowChange[] {
    const open = this.#open()
      .filter((letter) => nameOf(letter) === name)
      .toSorted(byOffset);
    const { epoch } = open[0] ?? this.#log;
    if (epoch < this.#log.epoch) {
      for (const letter of open) letter.state = 'settled';
      return open.flatMap(({ event }) => this.#doubts(event, this.#log.epoch));
    }
    const head = open.find(({ state }) => state === 'dead');
    const doubts = head === undefined || what === 'replay' ? [] : this.#doubts(head.event, epoch);
    const given = doubts.length > 0 ? head : undefined;
    if (given === undefined && head !== undefined) this.#bad.delete(head.event);
    if (given !== undefined) given.state = 'settled';
    const rest = open.filter((letter) => letter !== given);
    const { changes, letters } = this.#read(
      rest.map(({ event }) => event),
      new Map(),
      () => epoch,
    );
    const still = new Map(letters.map((letter) => [letter.event, letter.state]));
    for (const letter of rest) letter.state = still.get(letter.event) ?? 'settled';
    return [...doubts, ...changes];
  }

  #read(events: readonly ChangeEvent[], parked: Parked, epochOf: EpochOf): Reading {
    const changes: RowChange[] = [];
    const letters: Letter[] = [];
    for (const event of events) {
      const row = rowName(event.table, event.key) ?? '';
      const epoch = epochOf(event);
      const first = parked.get(row);
      const waits = first !== undefined && first.epoch === epoch && event.log.offset >= first.offset;
      if (!waits && !this.#bad.has(event)) {
        changes.push(...interpretEvent(this.#plan, event, epoch, passOn).changes);
        continue;
      }
      if (first === undefined || first.epoch < epoch) parked.set(row, { epoch, offset: event.log.offset });
      letters.push({ event, row, epoch, state: waits ? 'waiting' : 'dead' });
      changes.push(...this.#doubts(event, epoch));
    }
    return { changes, letters };
  }

  #doubts(event: ChangeEvent, epoch: number): readonly RowChange[] {
    const isOpaque = this.#bad.get(event) === 'opaque';
    const told = isOpaque ? { ...event, before: null, after: null } : event;
    return doubtsOf(this.#plan, told, epoch, passOn);
  }

  #named(letters: readonly Letter[]): readonly string[] {
    return [...new Set(letters.map(nameOf))];
  }

  #open(): Letter[] {
    return [...this.#letters.values()].filter(({ state }) => state !== 'settled');
  }
}

function nameOf({ row, epoch }: Letter): string {
  return `${epoch} ${row}`;
}

function idOf({ event: { table, log }, epoch }: Letter): string {
  return `${table}/${log.partition}/${log.offset}/${epoch}`;
}

function byOffset(a: Letter, b: Letter): number {
  return Number(a.event.log.offset - b.event.log.offset);
}
