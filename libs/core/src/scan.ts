import type { CanonicalDocument, DocumentKey } from './document.ts';
import { FicusError } from './errors.ts';
import { compareKeys, keyText } from './key.ts';
import { keyFields, type Plan } from './plan.ts';
import type { Page } from './query.ts';
import { compareDocuments, type Difference } from './reconcile.ts';
import { keyOf } from './render.ts';

/**
 * The comparison of two stores as a merge: both are read in key order, chunk by chunk, and a key is judged once both
 * sides have been read past it. So it costs the memory of one chunk a side, finds what either side has too much, and
 * can go on from any key.
 */

/** The next documents of one store in ascending key order, after a key (null: from the first). */
export type ReadChunk = (after: DocumentKey | null) => Promise<Page>;

/** A key that differed when it was read: replication in flight, or drift. */
export interface Suspect {
  readonly key: DocumentKey;
  readonly difference: Difference;
}

/** What one step of the merge settled: every key up to and including `through`. */
export interface ScanStep {
  readonly through: DocumentKey;
  /** Keys that stood in either store, each once. */
  readonly compared: number;
  readonly suspects: readonly Suspect[];
}

/**
 * @param from the last key already compared; null: from the first.
 * @throws FicusError `value_invalid` when a store does not read in key order: the result would be worth nothing.
 */
export async function* scan(
  plan: Plan,
  readLegacy: ReadChunk,
  readMongo: ReadChunk,
  from: DocumentKey | null = null,
): AsyncGenerator<ScanStep, void, undefined> {
  const legacy = new Side(plan, 'legacy', readLegacy, from);
  const mongodb = new Side(plan, 'MongoDB', readMongo, from);
  for (;;) {
    await Promise.all([legacy.fill(), mongodb.fill()]);
    const step = merge(plan, legacy, mongodb);
    if (step === null) return;
    yield step;
  }
}

/** Judges keys as long as both sides know what comes next. Null: both are at their end. */
function merge(plan: Plan, legacy: Side, mongodb: Side): ScanStep | null {
  const types = keyFields(plan.root).map((field) => field.type);
  const suspects: Suspect[] = [];
  let through: DocumentKey | null = null;
  let compared = 0;
  while (legacy.known && mongodb.known) {
    const a = legacy.next;
    const b = mongodb.next;
    if (a === null && b === null) break;
    const order = a === null ? 1 : b === null ? -1 : compareKeys(a.key, b.key, types);
    const left = order <= 0 ? legacy.take() : null;
    const right = order >= 0 ? mongodb.take() : null;
    const key: DocumentKey = (left ?? right)?.key ?? [];
    const difference = compareDocuments(plan, keyText(key), left?.document ?? null, right?.document ?? null);
    if (difference !== null) suspects.push({ key, difference });
    through = key;
    compared++;
  }
  return through === null ? null : { through, compared, suspects };
}

interface Keyed {
  readonly key: DocumentKey;
  readonly document: CanonicalDocument;
}

/** One store's stream: the chunk in hand, and how far it has been read. */
class Side {
  readonly #plan: Plan;
  readonly #name: string;
  readonly #read: ReadChunk;
  #chunk: readonly Keyed[] = [];
  #at = 0;
  #last: DocumentKey | null;
  #ended = false;

  constructor(plan: Plan, name: string, read: ReadChunk, from: DocumentKey | null) {
    this.#plan = plan;
    this.#name = name;
    this.#read = read;
    this.#last = from;
  }

  /** Is it known what comes next: a document in hand, or the end? */
  get known(): boolean {
    return this.#ended || this.#at < this.#chunk.length;
  }

  /** Null: the end. */
  get next(): Keyed | null {
    return this.#chunk[this.#at] ?? null;
  }

  take(): Keyed | null {
    return this.#chunk[this.#at++] ?? null;
  }

  async fill(): Promise<void> {
    if (this.known) return;
    const page = await this.#read(this.#last);
    const fields = keyFields(this.#plan.root);
    const types = fields.map((field) => field.type);
    this.#chunk = page.documents.map((document) => ({ key: keyOf(fields, document.root), document }));
    this.#at = 0;
    this.#ended = !page.more;
    for (const { key } of this.#chunk) {
      if (this.#last !== null && compareKeys(this.#last, key, types) >= 0) {
        throw new FicusError(
          'value_invalid',
          `${this.#name} answers key ${keyText(key)} of ${this.#plan.unit} after ${keyText(this.#last)}; ` +
            'a scan needs keys in strictly ascending order by code point',
        );
      }
      this.#last = key;
    }
  }
}
