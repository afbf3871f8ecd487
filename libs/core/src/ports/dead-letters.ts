import type { Outcome } from '../apply.ts';

/** Records that could not be applied, and what waits behind them (`ficus.deadLetters`). */

export const LETTER_STATES = ['dead', 'waiting', 'replayed', 'discarded'] as const;
/**
 * dead: could not be applied; waiting: a later record of a row that has a dead one, kept in order behind it. Both are
 * open. replayed: applied after all, as far as it was newer than what stood there; discarded: given up by an operator.
 */
export type LetterState = (typeof LETTER_STATES)[number];

/** What an operator wants done with a dead letter: carried out by the replicator that holds its partition. */
export interface LetterOrder {
  /** rehearse: as a replay, but nothing is written. */
  readonly what: 'rehearse' | 'replay' | 'discard';
  readonly reason: string;
  readonly by: string;
  /** ISO 8601 UTC. */
  readonly at: string;
}

/** What a replay would do now. */
export interface Rehearsal {
  /** ISO 8601 UTC. */
  readonly at: string;
  /** What would become of the row changes of this record, and of those that wait behind it. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Why the letter would stay dead, or which later one would be; null: none. */
  readonly failure: string | null;
}

export interface DeadLetter {
  readonly id: string;
  readonly unit: string;
  readonly topic: string;
  readonly partition: number;
  /** Digits: offsets are 64-bit. */
  readonly offset: string;
  /** The unit's epoch that the record is of. It stays that, also when the topic is made anew and has that offset again. */
  readonly epoch: number;
  /** The record as it came, base64; null where the record had none, or was too large to be kept (`omitted`). */
  readonly key: string | null;
  readonly value: string | null;
  /** The record's headers, base64, of each name the last one; absent: none. */
  readonly headers?: readonly { readonly name: string; readonly value: string }[];
  /** Bytes of the value that was too large to be kept; null: it is there. */
  readonly omitted: number | null;
  /** Names the row (topic and key) whose later records wait; null: it has none that could be told. */
  readonly row: string | null;
  readonly state: LetterState;
  /** Why it is dead; of a waiting one, that of the letter which it waits for. */
  readonly code: string;
  readonly reason: string;
  /** The reason without its values: equal for all letters of one cause. */
  readonly cause: string;
  /** ISO 8601 UTC, when it was put aside. */
  readonly at: string;
  readonly order: LetterOrder | null;
  /** The last rehearsal; null: none yet. */
  readonly rehearsal: Rehearsal | null;
  /** ISO 8601 UTC; null while it is open. */
  readonly settledAt: string | null;
}

/** Open letters of one cause. */
export interface LetterGroup {
  readonly unit: string;
  readonly topic: string;
  readonly code: string;
  readonly cause: string;
  readonly dead: number;
  readonly waiting: number;
  /** Of which an order has been given and not carried out yet. */
  readonly ordered: number;
  /** ISO 8601 UTC. */
  readonly first: string;
  readonly last: string;
  /** Of one of them, and what it says. */
  readonly sample: string;
  readonly reason: string;
}

/** Which letters of a unit are meant: one by its id, those of one cause, or all. */
export interface LetterChoice {
  readonly unit: string;
  readonly id?: string | undefined;
  readonly topic?: string | undefined;
  readonly code?: string | undefined;
  readonly cause?: string | undefined;
}

/** From where on the records of a row wait: only those of one epoch, since each row is read again in the next one. */
export interface Parked {
  readonly epoch: number;
  readonly offset: bigint;
}

export interface DeadLetterStore {
  /**
   * Keeps letters, each once: the id is made of topic, partition, offset and epoch. Answers the ids of those that were
   * there and are settled: their records have been dealt with.
   */
  add(letters: readonly DeadLetter[]): Promise<readonly string[]>;
  /** Open ones. */
  count(unit: string): Promise<number>;
  /** Newest first. */
  list(
    of: { readonly unit: string | null; readonly states: readonly LetterState[] },
    limit: number,
  ): Promise<readonly DeadLetter[]>;
  groups(unit: string | null): Promise<readonly LetterGroup[]>;
  /** By the names of the rows that have open letters: the first one of the newest epoch that has any. */
  rows(unit: string): Promise<ReadonlyMap<string, Parked>>;
  /**
   * A letter of each row and epoch about which something can be done: it has an order, or nothing but waiting letters. At
   * most so many.
   */
  due(unit: string, most: number): Promise<readonly DeadLetter[]>;
  /** The open letters of a letter's row and epoch, in the order of their offsets; of one without a row, itself. */
  open(letter: Pick<DeadLetter, 'id' | 'unit' | 'row' | 'epoch'>): Promise<readonly DeadLetter[]>;
  /** Gives the order for the chosen dead letters; answers their ids, at most so many. */
  order(choice: LetterChoice, order: LetterOrder, most: number): Promise<readonly string[]>;
  /** The ids that an order would be given for. */
  chosen(choice: LetterChoice, most: number): Promise<readonly string[]>;
  /** Oldest first. */
  read(ids: readonly string[]): Promise<readonly DeadLetter[]>;
  settle(ids: readonly string[], state: 'replayed' | 'discarded', at: string): Promise<void>;
  /** Keeps what a rehearsal found, which the order was. */
  rehearsed(id: string, rehearsal: Rehearsal): Promise<void>;
  /** The letter has failed (again): it is dead for this reason, and its order is done with. */
  fail(id: string, why: Pick<DeadLetter, 'code' | 'reason' | 'cause'>): Promise<void>;
}
