import type { FenceRow } from '#core/handover';
import type { Marker } from '#core/reverse';
import type { Actor, Turn } from './scheduler.ts';
import type { Committed, Operation, Row } from './shape.ts';

/** One change of a row in the log. */
export interface LoggedChange {
  /** The position of its statement. */
  readonly lsn: bigint;
  readonly transaction: string;
  readonly key: number;
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

/** A session's transaction under READ COMMITTED: each statement sees what is committed when it begins. */
export class LegacyTransaction {
  readonly id: string;
  readonly #model: LegacyModel;
  readonly #turn: Turn;
  readonly #rows = new Map<number, Row | null>();
  readonly #changes: LoggedChange[] = [];
  readonly #operations: Committed[] = [];
  #answer: string | null = null;
  #marker: {
    readonly key: number;
    readonly marker: Omit<Marker, 'transaction'>;
    readonly alone: boolean;
  } | null = null;
  #row: FenceRow | null = null;
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

  async fence(): Promise<FenceRow> {
    await this.#turn.step();
    return this.#model.fence;
  }

  setFence(row: FenceRow): void {
    this.#row = row;
  }

  giveRightsBack(): void {
    this.#grants = true;
  }

  /** Who takes no fence writes only while it has the right to, and waits for nobody who locks the table. */
  async enterAsStranger(): Promise<boolean> {
    await this.#turn.step();
    await this.#turn.until(() =>
      [...this.#model.holders].every(([other, how]) => other.isDone || how === 'shared'),
    );
    if (!this.#model.grants) return false;
    this.#model.strangers.add(this.#turn.actor);
    return true;
  }

  /** Waits for strangers to end, keeps others out, and takes their right away. */
  async shutOutStrangers(): Promise<void> {
    await this.#turn.until(() => [...this.#model.strangers].every((one) => one.isDone));
    this.#grants = false;
    this.#model.holders.set(this.#turn.actor, 'exclusive');
  }

  /** Locks the row until the end. */
  async lock(key: number): Promise<Row | null> {
    await this.#turn.until(() => isFree(this.#model.locks, key, this.#turn.actor));
    this.#model.locks.set(key, this.#turn.actor);
    return this.#seen(key);
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

  async lastMarker(key: number): Promise<Marker | null> {
    await this.#turn.step();
    return this.#model.markers.get(key)?.at(-1) ?? null;
  }

  /** The row is locked. */
  async write(key: number, row: Row | null): Promise<void> {
    await this.#turn.step();
    this.#rows.set(key, row);
    this.#changes.push({
      lsn: this.#model.nextLsn(),
      transaction: this.id,
      key,
      after: row,
      operation: null,
    });
  }

  /** A client's operation, and its answer. */
  note(operation: Operation, before: Row | null, after: Row | null): void {
    this.answer(operation.id);
    this.#operations.push({ operation, store: 'legacy', before, after });
  }

  /** The idempotency record of an operation. */
  answer(id: string): void {
    this.#answer = id;
  }

  /** @param alone the key's earlier markers are overwritten. */
  mark(key: number, marker: Omit<Marker, 'transaction'>, alone: boolean): void {
    this.#marker = { key, marker, alone };
  }

  /** `pg_current_wal_insert_lsn()`. */
  async insertPosition(): Promise<bigint> {
    await this.#turn.step();
    return this.#model.nextLsn();
  }

  /** @throws OutcomeUnknown */
  async commit(): Promise<void> {
    await this.#turn.step();
    const model = this.#model;
    const isLost = model.losesAnswers();
    const isCommitted = !isLost || model.dice.chance(0.5);
    if (isCommitted) {
      for (const [key, row] of this.#rows) {
        if (row === null) model.rows.delete(key);
        else model.rows.set(key, row);
      }
      if (this.#answer !== null) model.answers.add(this.#answer);
      if (this.#marker !== null) {
        const { key, marker, alone } = this.#marker;
        const earlier = alone ? [] : (model.markers.get(key) ?? []);
        model.markers.set(key, [...earlier, { ...marker, transaction: this.id }]);
      }
      if (this.#row !== null) model.fence = this.#row;
      if (this.#grants !== null) model.grants = this.#grants;
      model.committed.push(...this.#operations);
      model.tell(
        `legacy commits ${this.id} ${this.#changes.map(({ key, lsn }) => `${key} at ${lsn}`).join()} ${this.#answer ?? ''}`,
      );
      const changes = this.#changes.map((change) => ({ ...change, operation: this.#answer }));
      model.log.push({ end: model.nextLsn(), changes });
    }
    model.release(this.#turn.actor);
    if (isLost) throw new OutcomeUnknown();
    await this.#turn.step();
  }

  async rollback(): Promise<void> {
    this.#model.release(this.#turn.actor);
    await this.#turn.step();
  }

  #seen(key: number): Row | null {
    return this.#rows.get(key) ?? this.#model.rows.get(key) ?? null;
  }
}

/** PostgreSQL, as far as Ficus leans on it. */
export class LegacyModel {
  readonly rows = new Map<number, Row>();
  readonly log: LoggedCommit[] = [];
  readonly answers = new Set<string>();
  readonly markers = new Map<number, Marker[]>();
  /** Who has each row's lock. */
  readonly locks = new Map<number, Actor>();
  readonly claims = new Map<string, Actor>();
  /** May programs that take no fence write? */
  grants = true;
  readonly strangers = new Set<Actor>();
  /** Who has the advisory lock. */
  readonly holders = new Map<Actor, 'shared' | 'exclusive'>();
  readonly committed: Committed[];
  readonly dice: { chance(of: number): boolean };
  fence: FenceRow = { term: 1, authority: 'legacy' };
  /** How often the connection is lost while it commits. */
  losses = 0;
  #lsn = 100n;
  #transactions = 0;

  readonly tell: (what: string) => void;

  constructor(dice: { chance(of: number): boolean }, committed: Committed[], tell: (what: string) => void) {
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

  losesAnswers(): boolean {
    return this.dice.chance(this.losses);
  }

  mayEnter(actor: Actor): boolean {
    return [...this.holders].every(([other, how]) => other === actor || other.isDone || how === 'shared');
  }

  mayEnterAlone(actor: Actor): boolean {
    return [...this.holders.keys()].every((other) => other === actor || other.isDone);
  }

  /** A session has ended, by its transaction's end or with its process. */
  release(actor: Actor): void {
    this.holders.delete(actor);
    this.strangers.delete(actor);
    for (const held of [this.locks, this.claims] as readonly Map<unknown, Actor>[])
      for (const [key, holder] of held) if (holder === actor) held.delete(key);
  }
}

/** A process that has died has let go of all that it held. */
export function isFree<K>(held: ReadonlyMap<K, Actor>, key: K, actor: Actor): boolean {
  const holder = held.get(key);
  return holder === undefined || holder === actor || holder.isDone;
}
