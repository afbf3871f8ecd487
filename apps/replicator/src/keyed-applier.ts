import {
  bareCondition,
  type Digest,
  emptyDocument,
  Folding,
  type Outcome,
  type StoredDocument,
} from '#core/apply';
import type { DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import type { DocumentStore, DocumentWrite } from '#core/ports/document-store';
import type { LogRecord } from '#debezium/log-record';
import { type Reading, type ReadingContext, readRecord, tell } from './batch-reader.ts';
import { byKey, type Keyed } from './keyed-reader.ts';
import { type Counted, Counts } from './tally.ts';

/** Batches that are read in full after one of which too much was left. */
const REST = 32;
/** One record in so many may be left. */
const FEW = 8;

/** What is known of a unit's records. */
interface Habit {
  /** Batches that are still to be read in full. */
  rest: number;
  /** Was no document there of those that were asked for last? */
  areNew: boolean;
}

export interface KeyedContext extends ReadingContext {
  readonly term: number;
}

export interface KeyedResult {
  readonly counted: Counted;
  /** The records that are left, in their order: all of a document or none. */
  readonly left: readonly LogRecord[];
}

/** Applies what the records' keys are enough for. */
export interface KeyedPath {
  /**
   * @param context of a unit without embedded tables, of which no record waits.
   * @param together documents of one transaction at most.
   * @throws FicusError retryable, see `BatchApplier.apply`.
   */
  apply(context: KeyedContext, records: readonly LogRecord[], together: number): Promise<KeyedResult>;
}

/** The key of a record names another document than its row does. */
class OtherKey extends Error {}

/**
 * Applies records of which it reads no more than the key until what is stored of their documents is there. Then each is
 * read, folded and written before the next is read, so that what comes of a record is gone at once: of a batch that is read
 * beforehand, the garbage collector copies all of it while MongoDB answers.
 *
 * It takes what is simple, which is nearly all: what needs a document whole, and what cannot be read, is left to who reads
 * batches in full.
 */
export class KeyedApplier implements KeyedPath {
  readonly #documents: DocumentStore;
  readonly #digest: Digest;
  /** By unit: the plan is read anew again and again. */
  readonly #habits = new Map<string, Habit>();

  constructor(documents: DocumentStore, digest: Digest) {
    this.#documents = documents;
    this.#digest = digest;
  }

  async apply(context: KeyedContext, records: readonly LogRecord[], together: number): Promise<KeyedResult> {
    const counted = new Counts();
    const habit = this.#habitOf(context.plan);
    if (habit.rest > 0) {
      habit.rest -= 1;
      return { counted, left: records };
    }
    const keyed = byKey(context, records);
    if (keyed === null) {
      habit.rest = REST;
      return { counted, left: records };
    }
    const left = new Set<LogRecord>();
    for (let at = 0; at < keyed.length; at += together)
      for (const record of await this.#some(context, keyed.slice(at, at + together), counted))
        left.add(record);
    if (left.size * FEW > records.length) habit.rest = REST;
    return { counted, left: left.size === 0 ? [] : records.filter((record) => left.has(record)) };
  }

  async #some(
    context: KeyedContext,
    keyed: readonly Keyed[],
    counted: Counts,
  ): Promise<readonly LogRecord[]> {
    const habit = this.#habitOf(context.plan);
    const { areNew } = habit;
    const done = await this.#exchange(context, keyed, areNew);
    if (done !== null) {
      counted.add(done.counts);
      habit.areNew = done.areNew;
      return done.left;
    }
    habit.areNew = false;
    return areNew ? await this.#some(context, keyed, counted) : keyed.flatMap(({ records }) => records);
  }

  /** Null: it did not go through, and nothing is written. */
  async #exchange(context: KeyedContext, keyed: readonly Keyed[], isNew: boolean): Promise<Done | null> {
    const { plan, term } = context;
    const counts = new Counts();
    const left: LogRecord[] = [];
    let areNew = true;
    const one = (before: StoredDocument, of: Keyed): DocumentWrite | null => {
      if (before.revision !== null) areNew = false;
      const decided = this.#decide(context, before, of);
      if (decided === null) {
        left.push(...of.records);
        return null;
      }
      counts.count(decided.outcomes);
      for (const [reading, record] of decided.readings) tell(counts, record, reading);
      return decided.after === before ? null : { before, after: decided.after };
    };
    const decide = function* (stored: readonly StoredDocument[]): Generator<DocumentWrite> {
      for (const [at, of] of keyed.entries()) {
        const write = one(stored[at] ?? emptyDocument(of.key), of);
        if (write !== null) yield write;
      }
    };
    const wanted = keyed.map(({ key }) => ({ key, doesBare: always, isNew }));
    try {
      const outcome = await this.#documents.exchange(plan, term, wanted, decide);
      return outcome === 'done' ? { counts, left, areNew } : null;
    } catch (error) {
      if (error instanceof OtherKey) return null;
      throw error;
    }
  }

  /** Null: the document is left. */
  #decide(context: KeyedContext, before: StoredDocument, { key, records, rows }: Keyed): Decided | null {
    const folding = new Folding(before, this.#digest);
    const readings: [Reading, LogRecord][] = [];
    const outcomes: Outcome[] = [];
    try {
      for (const [at, record] of records.entries()) {
        const reading = readRecord(context, record, rows[at]);
        for (const change of reading.changes) if (!isSame(change.key, key)) throw new OtherKey();
        const doesBare = bareCondition(reading.changes);
        if (doesBare === null || !doesBare(before)) return null;
        for (const change of reading.changes) outcomes.push(folding.apply(change));
        readings.push([reading, record]);
      }
    } catch (error) {
      if (!(error instanceof FicusError) || error.retryable) throw error;
      return null;
    }
    return { after: folding.document, readings, outcomes };
  }

  #habitOf({ unit }: Plan): Habit {
    const known = this.#habits.get(unit) ?? { rest: 0, areNew: false };
    this.#habits.set(unit, known);
    return known;
  }
}

interface Decided {
  readonly after: StoredDocument;
  readonly readings: readonly (readonly [Reading, LogRecord])[];
  readonly outcomes: readonly Outcome[];
}

interface Done {
  readonly counts: Counts;
  readonly left: readonly LogRecord[];
  /** Was none of the documents there? */
  readonly areNew: boolean;
}

function isSame(one: DocumentKey, other: DocumentKey): boolean {
  return one.every((component, at) => component === other[at]);
}

function always(): boolean {
  return true;
}
