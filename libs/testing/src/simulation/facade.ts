import { fold } from '#core/apply';
import { type HandoverUnit, isAdmitted } from '#core/handover';
import { authorityOf } from '#core/phase';
import { nextCounter } from '#core/version';
import { OutcomeUnknown } from './legacy-model.ts';
import { Fenced, WriteConflict } from './mongo-model.ts';
import type { Actor, Turn } from './scheduler.ts';
import { after, changeTo, digest, type Operation, type Place, type Row, rowOf, stateOf } from './shape.ts';
import type { Answer, World } from './world.ts';

const REFRESH_MS = 200;
/** How often a direct write is tried: then the log delivers it. */
const DIRECT_TRIES = 2;
const CONFLICT_TRIES = 5;

/** An instance of the facade: what it believes of the unit may be of yesterday. */
export class FacadeModel {
  readonly name: string;
  readonly #world: World;
  #unit: HandoverUnit;
  #requests = new Set<Actor>();
  #refresher: Actor | null = null;

  constructor(name: string, world: World) {
    this.name = name;
    this.#world = world;
    this.#unit = world.control.unit.value;
    this.#start();
  }

  /** Dies with all its requests, and is started anew. */
  restart(): void {
    for (const actor of this.#actors()) actor.kill();
    this.#requests = new Set();
    this.#unit = this.#world.control.unit.value;
    this.#start();
  }

  freeze(until: number): void {
    for (const actor of this.#actors()) actor.freeze(until);
  }

  /** @returns the request, which has its answer when it is done. Null: it has died with the instance. */
  ask(operation: Operation): { readonly actor: Actor; readonly answer: () => Answer | null } {
    let answer: Answer | null = null;
    const actor = this.#world.scheduler.spawn(`${this.name}/${operation.id}`, async (turn) => {
      answer = await this.#write(operation, turn);
    });
    this.#requests.add(actor);
    return { actor, answer: () => answer };
  }

  #actors(): readonly Actor[] {
    return [...this.#requests, ...(this.#refresher === null ? [] : [this.#refresher])];
  }

  #start(): void {
    this.#refresher = this.#world.scheduler.spawn(`${this.name}/refresh`, async (turn) => {
      for (;;) {
        await this.#reload(turn);
        await turn.sleep(REFRESH_MS);
      }
    });
  }

  async #reload(turn: Turn): Promise<void> {
    const { value } = await this.#world.control.of(turn).unit();
    if (
      value.term > this.#unit.term ||
      value.epoch > this.#unit.epoch ||
      value.draining !== this.#unit.draining
    )
      this.#unit = value;
  }

  async #write(operation: Operation, turn: Turn): Promise<Answer> {
    await turn.step();
    const unit = this.#unit;
    if (unit.draining !== null) {
      await this.#reload(turn);
      return 'try-again';
    }
    return authorityOf(unit.phase) === 'legacy'
      ? await this.#toLegacy(operation, unit, turn)
      : await this.#toMongo(operation, unit, turn);
  }

  async #toLegacy(operation: Operation, unit: HandoverUnit, turn: Turn): Promise<Answer> {
    const world = this.#world;
    const { legacy } = world;
    if (world.is('mongodb-first')) {
      const row = rowOf(world.mongo.document(operation.key), operation);
      await this.#second(new Map([[operation, after(row, operation)]]), legacy.position, unit, turn);
    }
    const transaction = await legacy.begin(turn);
    // One statement sees what was committed when it began, however long it waits.
    const early = world.is('term-read-with-lock') ? await transaction.fence() : null;
    await transaction.enter();
    const row = early ?? (await transaction.fence());
    if (!world.is('term-unchecked') && !isAdmitted(row, unit.term, 'legacy')) {
      await transaction.rollback();
      await this.#reload(turn);
      return 'try-again';
    }
    if (!(await transaction.claim(operation.id))) {
      await transaction.rollback();
      return 'done';
    }
    const before = await transaction.lock(operation);
    // Legacy has constraints of its own.
    if (world.scheduler.dice.chance(0.1)) {
      await transaction.rollback();
      return 'refused';
    }
    const made = after(before, operation);
    await transaction.write(operation, made);
    transaction.note(operation, before, made);
    const changed = new Map<Place, Row | null>([[operation, made]]);
    if (world.is('read-back-written')) {
      const sibling = { key: operation.key, part: 1 - operation.part };
      changed.set(sibling, await transaction.read(sibling));
    }
    const position = await transaction.insertPosition();
    try {
      await transaction.commit();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      if (world.is('unknown-is-failure')) return 'refused';
      const asked = await legacy.begin(turn);
      return (await asked.isAnswered(operation.id)) ? 'done' : 'try-again';
    }
    if (unit.phase === 'y-loading') await this.#second(changed, position, unit, turn);
    return 'done';
  }

  /**
   * The second write of Y-loading: it makes MongoDB fresh at once, and may be left out.
   * @param changed the rows that the transaction has changed, and no others.
   */
  async #second(
    changed: ReadonlyMap<Place, Row | null>,
    position: bigint,
    unit: HandoverUnit,
    turn: Turn,
  ): Promise<void> {
    const { mongo } = this.#world;
    const evidence = { kind: 'direct', epoch: unit.epoch, position } as const;
    const changes = [...changed].map(([place, row]) => changeTo(place, row, evidence));
    const key = Number(changes[0]?.key[0]);
    for (let left = DIRECT_TRIES; left > 0; left -= 1) {
      const stored = await mongo.load(turn, key);
      const { document, dirty } = fold(stored, changes, digest);
      if (!dirty) return;
      const saved = await mongo.save(turn, unit.term, stored, document);
      this.#world.tell(`direct ${key} at ${position}: ${saved}`);
      if (saved !== 'conflict') return;
    }
  }

  async #toMongo(operation: Operation, unit: HandoverUnit, turn: Turn): Promise<Answer> {
    const { mongo, scheduler } = this.#world;
    const { key } = operation;
    for (let left = CONFLICT_TRIES; left > 0; left -= 1) {
      const transaction = await mongo.begin(turn);
      try {
        if (!(await transaction.claim(operation.id))) {
          await transaction.abort();
          return 'done';
        }
        const stored = await transaction.read(key);
        const before = rowOf(stored, operation);
        const made = after(before, operation);
        const counter = nextCounter(stateOf(stored, operation)?.version?.counter ?? null, scheduler.now);
        const evidence = { kind: 'owned', epoch: unit.epoch, counter } as const;
        const { document } = fold(stored, [changeTo(operation, made, evidence)], digest);
        await transaction.write(unit.term, document, { operation, before, after: made });
        await transaction.commit();
        return 'done';
      } catch (error) {
        if (error instanceof OutcomeUnknown) {
          const asked = await mongo.begin(turn);
          return (await asked.isAnswered(operation.id)) ? 'done' : 'try-again';
        }
        await transaction.abort();
        if (error instanceof WriteConflict) continue;
        if (!(error instanceof Fenced)) throw error;
        await this.#reload(turn);
        return 'try-again';
      }
    }
    return 'try-again';
  }
}
