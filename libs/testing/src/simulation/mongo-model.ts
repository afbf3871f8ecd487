import { emptyDocument, type StoredDocument } from '#core/apply';
import { assert } from '#core/errors';
import { isFree, OutcomeUnknown } from './legacy-model.ts';
import type { Actor, Turn } from './scheduler.ts';
import { type Committed, type Row, rowOf } from './shape.ts';

/** What the oplog says of a write: the document as it became. */
export interface OplogEntry {
  readonly at: bigint;
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
    const key = Number(document.key[0]);
    assert(this.#seen !== null, 'it is read before it is written');
    if (!isFree(this.#model.writers, key, this.#turn.actor)) throw new WriteConflict();
    if (this.#model.document(key).revision !== this.#seen.revision) throw new WriteConflict();
    if (term < this.#model.fence) throw new Fenced();
    this.#model.writers.set(key, this.#turn.actor);
    this.#write = { document, operation: { ...operation, store: 'mongodb' } };
  }

  /** @throws OutcomeUnknown */
  async commit(): Promise<void> {
    await this.#turn.step();
    const model = this.#model;
    const isLost = model.losesAnswers();
    if (this.#write !== null && (!isLost || model.dice.chance(0.5))) {
      const { document, operation } = this.#write;
      model.committed.push(operation);
      model.put(document, operation.operation.id);
      model.answers.add(operation.operation.id);
      model.tell(`mongodb commits ${operation.operation.id} of ${operation.operation.key}`);
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
  readonly writers = new Map<number, Actor>();
  readonly claims = new Map<string, Actor>();
  readonly committed: Committed[];
  readonly dice: { chance(of: number): boolean };
  /** The least term that the collection's validator lets pass. */
  fence = 1;
  losses = 0;
  /** Documents that became what they had been before, one sentence each. */
  readonly steppedBack: string[] = [];
  /** The newest state that each document has had, as its place among all that was committed. */
  readonly #newest = new Map<number, number>();

  readonly tell: (what: string) => void;

  constructor(dice: { chance(of: number): boolean }, committed: Committed[], tell: (what: string) => void) {
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

  row(key: number): Row | null {
    const root = this.document(key).root;
    return root?.live === true ? rowOf(root.content) : null;
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
    await turn.step();
    const key = Number(after.key[0]);
    await turn.until(() => isFree(this.writers, key, turn.actor));
    if (term < this.fence) return 'fenced';
    if (this.document(key).revision !== before.revision) return 'conflict';
    this.put(after);
    await turn.step();
    return 'saved';
  }

  /** `collMod`: it waits for every open transaction that has written to the collection. */
  async setFence(turn: Turn, term: number): Promise<void> {
    await turn.until(() => [...this.writers.values()].every((writer) => writer.isDone));
    this.fence = term;
    await turn.step();
  }

  get position(): bigint {
    return BigInt(this.oplog.length);
  }

  losesAnswers(): boolean {
    return this.dice.chance(this.losses);
  }

  put(document: StoredDocument, operation: string | null = null): void {
    const key = Number(document.key[0]);
    this.#mindStep(key, document);
    const next = { ...document, revision: (document.revision ?? 0) + 1 };
    this.documents.set(key, next);
    this.oplog.push({ at: BigInt(this.oplog.length) + 1n, key, document: next, operation });
  }

  /** A state is known by the operation that made it; of a deletion, nobody can tell which. */
  #mindStep(key: number, { root }: StoredDocument): void {
    if (root?.live !== true) return;
    const made = rowOf(root.content).made.split(' ').at(-1);
    const at = this.committed.findLastIndex(({ operation }) => operation.id === made);
    const newest = this.#newest.get(key) ?? -1;
    if (at < newest) this.steppedBack.push(`${key} went back to the state that ${made} made`);
    this.#newest.set(key, Math.max(at, newest));
  }

  release(actor: Actor): void {
    for (const held of [this.writers, this.claims] as readonly Map<unknown, Actor>[])
      for (const [key, holder] of held) if (holder === actor) held.delete(key);
  }
}
