import type { RowChange } from '#core/apply';
import { type ChangeEvent, doubtsOf, interpretEvent } from '#core/change-event';
import { rowName } from '#core/letter';
import type { Plan } from '#core/plan';
import { passOn } from './shape.ts';

interface Letter {
  readonly event: ChangeEvent;
  readonly row: string;
  state: 'dead' | 'waiting' | 'settled';
}

/** What reading a batch comes to. */
export interface Reading {
  readonly changes: readonly RowChange[];
  readonly letters: readonly Letter[];
}

/** A model of the dead letters: which events cannot be read, and what waits behind them. */
export class LettersModel {
  readonly #plan: Plan;
  /** Events that nobody can read; `opaque`: nothing but the key of them. */
  readonly #bad = new Map<string, 'readable' | 'opaque'>();
  readonly #letters = new Map<string, Letter>();
  readonly #epochOf: (event: ChangeEvent) => number;

  constructor(plan: Plan, epochOf: (event: ChangeEvent) => number) {
    this.#plan = plan;
    this.#epochOf = epochOf;
  }

  spoil(event: ChangeEvent, opaque: boolean): void {
    if (!this.#letters.has(idOf(event))) this.#bad.set(idOf(event), opaque ? 'opaque' : 'readable');
  }

  /** Names of the rows with open letters. */
  get rows(): readonly string[] {
    return [...new Set(this.#open().map(({ row }) => row))];
  }

  /** Reads events of any rows, each lane in its order. */
  read(events: readonly ChangeEvent[]): Reading {
    const parked = new Map<string, bigint>();
    for (const { row, event } of this.#open().toSorted(byOffset))
      if (!parked.has(row)) parked.set(row, event.log.offset);
    return this.#read(events, parked);
  }

  /** Keeps the letters of a batch, each once. */
  keep(letters: readonly Letter[]): void {
    for (const letter of letters)
      if (!this.#letters.has(idOf(letter.event))) this.#letters.set(idOf(letter.event), letter);
  }

  /**
   * What a replay or discard of a row's first dead letter would write. What only its key tells of can be discarded where
   * the key tells its document. @returns null when there is no such row.
   */
  settle(row: string, what: 'replay' | 'discard'): readonly RowChange[] {
    const open = this.#open()
      .filter((letter) => letter.row === row)
      .toSorted(byOffset);
    const head = open.find(({ state }) => state === 'dead');
    const doubts = head === undefined || what === 'replay' ? [] : this.#doubts(head.event);
    const given = doubts.length > 0 ? head : undefined;
    if (given === undefined && head !== undefined) this.#bad.delete(idOf(head.event));
    if (given !== undefined) given.state = 'settled';
    const rest = open.filter((letter) => letter !== given);
    const { changes, letters } = this.#read(
      rest.map(({ event }) => event),
      new Map(),
    );
    const still = new Map(letters.map((letter) => [idOf(letter.event), letter.state]));
    for (const letter of rest) letter.state = still.get(idOf(letter.event)) ?? 'settled';
    return [...doubts, ...changes];
  }

  #read(events: readonly ChangeEvent[], parked: Map<string, bigint>): Reading {
    const changes: RowChange[] = [];
    const letters: Letter[] = [];
    for (const event of events) {
      const row = rowName(event.table, event.key) ?? '';
      const first = parked.get(row);
      const waits = first !== undefined && event.log.offset >= first;
      if (!waits && !this.#bad.has(idOf(event))) {
        changes.push(...interpretEvent(this.#plan, event, this.#epochOf(event), passOn).changes);
        continue;
      }
      if (first === undefined) parked.set(row, event.log.offset);
      letters.push({ event, row, state: waits ? 'waiting' : 'dead' });
      changes.push(...this.#doubts(event));
    }
    return { changes, letters };
  }

  #doubts(event: ChangeEvent): readonly RowChange[] {
    const isOpaque = this.#bad.get(idOf(event)) === 'opaque';
    const told = isOpaque ? { ...event, before: null, after: null } : event;
    return doubtsOf(this.#plan, told, this.#epochOf(event), passOn);
  }

  #open(): Letter[] {
    return [...this.#letters.values()].filter(({ state }) => state !== 'settled');
  }
}

function idOf({ table, log }: ChangeEvent): string {
  return `${table}/${log.partition}/${log.offset}`;
}

function byOffset(a: Letter, b: Letter): number {
  return Number(a.event.log.offset - b.event.log.offset);
}
