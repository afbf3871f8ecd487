import type { FenceRow } from '#core/handover';
import type { Marker } from '#core/reverse';
import type { Actor, Dice, Turn } from './scheduler.ts';
import { type Committed, nameOf, type Operation, type Place, type Row } from './shape.ts';

/** One change of a row in the log. */
export interface LoggedChange {
  /** The position of its statement. */
  readonly lsn: bigint;
  readonly transaction: string;
  readonly place: Place;
  /** Null: deleted. */
  readonly after: Row | null;
  /** The idempotency record that was committed with it; null: none. */
  readonly operation: string | null;
}

/** Changes of one transaction, in the order of the commits; those of a heartbeat are none. */
export interface LoggedCommit {
  /** The position of its commit. */
  readonly end: bigint;
  readonly changes: readonly LoggedChange[];
}

/** The connection was lost while it committed: nobody knows whether it did. */
export class OutcomeUnknown extends Error {}

interface Mark {
  readonly place: Place;
  readonly marker: Omit<Marker, 'transaction'>;
  /** The row's earlier markers are overwritten. */
  readonly alone: boolean;
}

/** A session's transaction under READ COMMITTED: each statement sees what is committed when it begins. */
export class LegacyTransaction {
  readonly id: string;
  readonly #model: LegacyModel;
  readonly #turn: Turn;
  readonly #rows = new Map<string, Row | null>();
  readonly #changes: Omit<LoggedChange, 'operation'>[] = [];
  readonly #operations: Committed[] = [];
  readonly #marks: Mark[] = [];
  #answer: string | null = null;
  #fence: FenceRow | null = null;
  #grants: boolean | null = null;

  constructor(id: string, model: LegacyModel, turn: Turn) {
    this.id = id;
    this.#model = model;
    this.#turn = turn;
  }

  /** The shared advisory lock of the unit's group, held until the end. */
  async enter(): Promise<void> {
    await this.#turn.until(() => this.#model.mayEnter(this.#turn.actor));
    this.#model.holders.set(this.#turn.actor, 'shared');
  }

  async enterAlone(): Promise<void> {
    await this.#turn.until(() => this.#model.mayEnterAlone(this.#turn.actor));
    this.#model.holders.set(this.#turn.actor, 'exclusive');
  }

  /** Who takes no fence writes only while it has the right to, and waits for who locks the table. */
  async enterAsStranger(): Promise<boolean> {
    await this.#turn.until(() => !this.#model.isLocked());
    if (!this.#model.grants) return false;
    this.#model.strangers.add(this.#turn.actor);
    return true;
  }

  /** Locks the table, which waits for strangers to end, and takes their right away. */
  async shutOutStrangers(): Promise<void> {
    await this.#turn.until(() => [...this.#model.strangers].every((one) => one.isDone));
    this.#grants = false;
  }

  giveRightsBack(): void {
    this.#grants = true;
  }

  async fence(): Promise<FenceRow> {
    await this.#turn.step();
    return this.#model.fence;
  }

  setFence(row: FenceRow): void {
    this.#fence = row;
  }

  /** Locks the row until the end. */
  async lock(place: Place): Promise<Row | null> {
    const name = nameOf(place);
    await this.#turn.until(() => isFree(this.#model.locks, name, this.#turn.actor));
    this.#model.locks.set(name, this.#turn.actor);
    return this.#seen(name);
  }

  async read(place: Place): Promise<Row | null> {
    await this.#turn.step();
    return this.#seen(nameOf(place));
  }

  /** Inserts the idempotency record, which waits for another transaction that has. @returns false: it is answered. */
  async claim(id: string): Promise<boolean> {
    await this.#turn.until(() => isFree(this.#model.claims, id, this.#turn.actor));
    this.#model.claims.set(id, this.#turn.actor);
    return !this.#model.answers.has(id);
  }

  async isAnswered(id: string): Promise<boolean> {
    await this.#turn.step();
    return this.#model.answers.has(id);
  }

  async lastMarker(place: Place): Promise<Marker | null> {
    await this.#turn.step();
    return this.#model.markers.get(nameOf(place))?.at(-1) ?? null;
  }

  /** The row is locked. */
  async write(place: Place, row: Row | null): Promise<void> {
    await this.#turn.step();
    this.#rows.set(nameOf(place), row);
    this.#changes.push({ lsn: this.#model.nextLsn(), transaction: this.id, place, after: row });
  }

  /** An operation, and its answer. */
  note(operation: Operation, before: Row | null, after: Row | null): void {
    this.answer(operation.id);
    this.#operations.push({ operation, store: 'legacy', before, after });
  }

  /** The idempotency record of an operation. */
  answer(id: string): void {
    this.#answer = id;
  }

  mark(mark: Mark): void {
    this.#marks.push(mark);
  }

  /** `pg_current_wal_insert_lsn()`. */
  async insertPosition(): Promise<bigint> {
    await this.#turn.step();
    return this.#model.nextLsn();
  }

  /** @throws OutcomeUnknown */
  async commit(): Promise<void> {
    await this.#turn.step();
    const isLost = this.#model.losesAnswer();
    if (!isLost || this.#model.dice.chance(0.5)) this.#apply();
    this.#model.release(this.#turn.actor);
    if (isLost) throw new OutcomeUnknown();
    await this.#turn.step();
  }

  async rollback(): Promise<void> {
    this.#model.release(this.#turn.actor);
    await this.#turn.step();
  }

  #apply(): void {
    const model = this.#model;
    for (const [name, row] of this.#rows) {
      if (row === null) model.rows.delete(name);
      else model.rows.set(name, row);
    }
    if (this.#answer !== null) model.answers.add(this.#answer);
    for (const { place, marker, alone } of this.#marks) {
      const name = nameOf(place);
      const earlier = alone ? [] : (model.markers.get(name) ?? []);
      model.markers.set(name, [...earlier, { ...marker, transaction: this.id }]);
    }
    if (this.#fence !== null) model.fence = this.#fence;
    if (this.#grants !== null) model.grants = this.#grants;
    model.committed.push(...this.#operations);
    const changes = this.#changes.map((change) => ({ ...change, operation: this.#answer }));
    model.log.push({ end: model.nextLsn(), changes });
    const made = changes.map(({ place, lsn }) => `${nameOf(place)} at ${lsn}`).join(', ');
    model.tell(`legacy commits ${this.id} ${this.#answer ?? ''}: ${made}`);
  }

  #seen(name: string): Row | null {
    return this.#rows.get(name) ?? this.#model.rows.get(name) ?? null;
  }
}

/** What a model of a store is given. */
export interface ModelParts {
  readonly dice: Dice;
  /** Where all that is committed is written down. */
  readonly committed: Committed[];
  readonly tell: (what: string) => void;
}

/** PostgreSQL, as far as Ficus leans on it. */
export class LegacyModel {
  readonly rows = new Map<string, Row>();
  readonly log: LoggedCommit[] = [];
  readonly answers = new Set<string>();
  readonly markers = new Map<string, Marker[]>();
  /** Who has each row's lock. */
  readonly locks = new Map<string, Actor>();
  readonly claims = new Map<string, Actor>();
  /** May programs that take no fence write? */
  grants = true;
  readonly strangers = new Set<Actor>();
  /** Who has the advisory lock. */
  readonly holders = new Map<Actor, 'shared' | 'exclusive'>();
  readonly dice: Dice;
  readonly committed: Committed[];
  readonly tell: (what: string) => void;
  fence: FenceRow = { term: 1, authority: 'legacy' };
  /** How often the connection is lost while it commits. */
  losses = 0;
  #lsn = 100n;
  #transactions = 0;

  constructor({ dice, committed, tell }: ModelParts) {
    this.dice = dice;
    this.committed = committed;
    this.tell = tell;
  }

  async begin(turn: Turn): Promise<LegacyTransaction> {
    await turn.step();
    this.#transactions += 1;
    return new LegacyTransaction(`tx${this.#transactions}`, this, turn);
  }

  get position(): bigint {
    return this.#lsn;
  }

  nextLsn(): bigint {
    this.#lsn += 1n;
    return this.#lsn;
  }

  /** A heartbeat: something new in the log, so that who reads it gets on. */
  beat(): void {
    this.log.push({ end: this.nextLsn(), changes: [] });
  }

  losesAnswer(): boolean {
    return this.dice.chance(this.losses);
  }

  mayEnter(actor: Actor): boolean {
    return [...this.holders].every(([other, how]) => other === actor || other.isDone || how === 'shared');
  }

  mayEnterAlone(actor: Actor): boolean {
    return [...this.holders.keys()].every((other) => other === actor || other.isDone);
  }

  isLocked(): boolean {
    return [...this.holders].some(([other, how]) => !other.isDone && how === 'exclusive');
  }

  /** A session has ended, by its transaction's end or with its process. */
  release(actor: Actor): void {
    this.holders.delete(actor);
    this.strangers.delete(actor);
    letGo(this.locks, actor);
    letGo(this.claims, actor);
  }
}

/** A process that has died has let go of all that it held. */
export function isFree(held: ReadonlyMap<string, Actor>, name: string, actor: Actor): boolean {
  const holder = held.get(name);
  return holder === undefined || holder === actor || holder.isDone;
}

export function letGo(held: Map<string, Actor>, actor: Actor): void {
  for (const [name, holder] of held) if (holder === actor) held.delete(name);
}
