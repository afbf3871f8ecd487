import { emptyDocument, type StoredDocument } from '#core/apply';
import { assert } from '#core/errors';
import { isFree, letGo, type ModelParts, OutcomeUnknown } from './legacy-model.ts';
import type { Actor, Dice, Turn } from './scheduler.ts';
import { BY_HAND, type Committed, nameOf, PARTS, type Place, rowOf } from './shape.ts';

/** What the oplog says of a write: the document as it became. */
export interface OplogEntry {
  readonly key: number;
  readonly document: StoredDocument;
  /** The idempotency record that was committed with it; null: none. */
  readonly operation: string | null;
}

/** The validator has refused: the term is too low (code 121). */
export class Fenced extends Error {}
/** Somebody else has written the document since (code 112). */
export class WriteConflict extends Error {}

/** One document in one transaction, and the record of what a client asked for. */
export class MongoTransaction {
  readonly #model: MongoModel;
  readonly #turn: Turn;
  #seen: StoredDocument | null = null;
  #write: { readonly document: StoredDocument; readonly operation: Committed } | null = null;

  constructor(model: MongoModel, turn: Turn) {
    this.#model = model;
    this.#turn = turn;
  }

  /** Inserts the idempotency record. @returns false: it is answered. @throws WriteConflict */
  async claim(id: string): Promise<boolean> {
    await this.#turn.step();
    if (!isFree(this.#model.claims, id, this.#turn.actor)) throw new WriteConflict();
    this.#model.claims.set(id, this.#turn.actor);
    return !this.#model.answers.has(id);
  }

  async isAnswered(id: string): Promise<boolean> {
    await this.#turn.step();
    return this.#model.answers.has(id);
  }

  async read(key: number): Promise<StoredDocument> {
    await this.#turn.step();
    this.#seen = this.#model.document(key);
    return this.#seen;
  }

  /** @throws Fenced, WriteConflict */
  async write(term: number, document: StoredDocument, operation: Omit<Committed, 'store'>): Promise<void> {
    await this.#turn.step();
    const key = keyOf(document);
    assert(this.#seen !== null, 'it is read before it is written');
    if (!isFree(this.#model.writers, String(key), this.#turn.actor)) throw new WriteConflict();
    if (this.#model.document(key).revision !== this.#seen.revision) throw new WriteConflict();
    if (term < this.#model.fence) throw new Fenced();
    this.#model.writers.set(String(key), this.#turn.actor);
    this.#write = { document, operation: { ...operation, store: 'mongodb' } };
  }

  /** @throws OutcomeUnknown */
  async commit(): Promise<void> {
    await this.#turn.step();
    const model = this.#model;
    const isLost = model.losesAnswer();
    if (this.#write !== null && (!isLost || model.dice.chance(0.5))) {
      const { document, operation } = this.#write;
      model.committed.push(operation);
      model.put(document, operation.operation.id);
      model.answers.add(operation.operation.id);
      model.tell(`mongodb commits ${operation.operation.id}: ${nameOf(operation.operation)}`);
    }
    model.release(this.#turn.actor);
    if (isLost) throw new OutcomeUnknown();
    await this.#turn.step();
  }

  async abort(): Promise<void> {
    this.#model.release(this.#turn.actor);
    await this.#turn.step();
  }
}

/** MongoDB, as far as Ficus leans on it: every write is majority's. */
export class MongoModel {
  readonly documents = new Map<number, StoredDocument>();
  readonly oplog: OplogEntry[] = [];
  readonly answers = new Set<string>();
  /** Who has an open transaction that has written the document. */
  readonly writers = new Map<string, Actor>();
  readonly claims = new Map<string, Actor>();
  readonly dice: Dice;
  readonly committed: Committed[];
  readonly tell: (what: string) => void;
  /** The least term that the collection's validator lets pass. */
  fence = 1;
  losses = 0;
  /** Called with each document that is written. */
  written: (document: StoredDocument) => void = () => undefined;
  /** Rows that became what they had been before, one sentence each. */
  readonly steppedBack: string[] = [];
  /** The newest state that each row has had, as its place among all that was committed. */
  readonly #newest = new Map<string, number>();

  constructor({ dice, committed, tell }: ModelParts) {
    this.dice = dice;
    this.committed = committed;
    this.tell = tell;
  }

  async begin(turn: Turn): Promise<MongoTransaction> {
    await turn.step();
    return new MongoTransaction(this, turn);
  }

  document(key: number): StoredDocument {
    return this.documents.get(key) ?? emptyDocument([key]);
  }

  async load(turn: Turn, key: number): Promise<StoredDocument> {
    await turn.step();
    return this.document(key);
  }

  /** One statement, on condition of the revision. */
  async save(
    turn: Turn,
    term: number,
    before: StoredDocument,
    after: StoredDocument,
  ): Promise<'saved' | 'conflict' | 'fenced'> {
    const key = keyOf(after);
    await turn.until(() => isFree(this.writers, String(key), turn.actor));
    if (term < this.fence) return 'fenced';
    if (this.document(key).revision !== before.revision) return 'conflict';
    this.put(after, null);
    await turn.step();
    return 'saved';
  }

  /** `collMod`: it waits for every open transaction that has written to the collection. */
  async setFence(turn: Turn, term: number): Promise<void> {
    await turn.until(() => [...this.writers.values()].every((writer) => writer.isDone));
    this.fence = term;
    this.tell(`mongodb lets pass from term ${term}`);
    await turn.step();
  }

  get position(): bigint {
    return BigInt(this.oplog.length);
  }

  losesAnswer(): boolean {
    return this.dice.chance(this.losses);
  }

  put(document: StoredDocument, operation: string | null): void {
    const key = keyOf(document);
    for (const part of PARTS) this.#mindStep({ key, part }, document);
    this.written(document);
    const next = { ...document, revision: (document.revision ?? 0) + 1 };
    this.documents.set(key, next);
    this.oplog.push({ key, document: next, operation });
  }

  release(actor: Actor): void {
    letGo(this.writers, actor);
    letGo(this.claims, actor);
  }

  /** A state is known by the operation that made it; of a deletion, nobody can tell which. */
  #mindStep(place: Place, document: StoredDocument): void {
    const made = rowOf(document, place)?.made.split(' ').at(-1);
    if (made === undefined || made === BY_HAND) return;
    const name = nameOf(place);
    const at = this.committed.findLastIndex(({ operation }) => operation.id === made);
    const newest = this.#newest.get(name) ?? -1;
    if (at < newest) this.steppedBack.push(`${name} went back to the state that ${made} made`);
    this.#newest.set(name, Math.max(at, newest));
  }
}

function keyOf({ key }: StoredDocument): number {
  return Number(key[0]);
}
