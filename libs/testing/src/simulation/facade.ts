import { fold } from '#core/apply';
import { type HandoverUnit, isAdmitted } from '#core/handover';
import { authorityOf } from '#core/phase';
import { nextCounter } from '#core/version';
import { OutcomeUnknown } from './legacy-model.ts';
import { Fenced, WriteConflict } from './mongo-model.ts';
import type { Actor, Turn } from './scheduler.ts';
import { after, changeTo, digest, type Operation, rowOf } from './shape.ts';
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
    const { key } = operation;
    if (world.is('mongodb-first')) await this.#direct(operation, unit, turn, legacy.position);
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
    const before = await transaction.lock(key);
    // Legacy has constraints of its own.
    if (world.scheduler.dice.chance(0.1)) {
      await transaction.rollback();
      return 'refused';
    }
    const made = after(before, operation);
    await transaction.write(key, made);
    transaction.note(operation, before, made);
    const position = await transaction.insertPosition();
    try {
      await transaction.commit();
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      if (world.is('unknown-is-failure')) return 'refused';
      const asked = await legacy.begin(turn);
      return (await asked.isAnswered(operation.id)) ? 'done' : 'try-again';
    }
    if (unit.phase === 'y-loading') await this.#second(key, made, position, unit, turn);
    return 'done';
  }

  /** The second write of Y-loading: it makes MongoDB fresh at once, and may be left out. */
  async #second(
    ...[key, made, position, unit, turn]: [number, ReturnType<typeof after>, bigint, HandoverUnit, Turn]
  ): Promise<void> {
    const { mongo } = this.#world;
    const evidence = { kind: 'direct', epoch: unit.epoch, position } as const;
    for (let left = DIRECT_TRIES; left > 0; left -= 1) {
      const stored = await mongo.load(turn, key);
      const { document, dirty } = fold(stored, [changeTo(key, made, evidence)], digest);
      if (!dirty) return;
      const saved = await mongo.save(turn, unit.term, stored, document);
      this.#world.tell(`direct ${key} at ${position}: ${saved}`);
      if (saved !== 'conflict') return;
    }
  }

  async #direct(operation: Operation, unit: HandoverUnit, turn: Turn, position: bigint): Promise<void> {
    const row = this.#world.mongo.row(operation.key);
    await this.#second(operation.key, after(row, operation), position, unit, turn);
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
        const before = stored.root?.live === true ? rowOf(stored.root.content) : null;
        const made = after(before, operation);
        const counter = nextCounter(stored.root?.version?.counter ?? null, scheduler.now);
        const evidence = { kind: 'owned', epoch: unit.epoch, counter } as const;
        const { document } = fold(stored, [changeTo(key, made, evidence)], digest);
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
