import type { Collection, Db } from 'mongodb';
import { FicusError } from '#core/errors';
import type { Transition, TransitionState, TransitionStore } from '#core/ports/control';
import { insertUnlessKnown, reach } from '../reach.ts';
import { fromStored, type Stored, toStored } from './record.ts';

/**
 * `ficus.transitions`: one document a flip that was asked for, kept for ever. A partial unique index on `unit` over
 * the running ones (migration 1) is what keeps two flips of a unit apart.
 */
export class MongoTransitionStore implements TransitionStore {
  readonly #transitions: Collection<Stored<Transition>>;

  constructor(db: Db) {
    this.#transitions = db.collection('transitions');
  }

  async record(transition: Transition): Promise<void> {
    const recorded = await insertUnlessKnown(this.#transitions, toStored(transition));
    if (!recorded) throw await this.#conflict(transition);
  }

  async finish(id: string, state: Exclude<TransitionState, 'running'>, at: string): Promise<void> {
    await reach(() =>
      this.#transitions.updateOne({ _id: id, state: 'running' }, { $set: { state, finishedAt: at } }),
    );
  }

  async read(id: string): Promise<Transition | null> {
    const found = await reach(() => this.#transitions.findOne({ _id: id }));
    return found === null ? null : fromStored<Transition>(found);
  }

  async history(unit: string, limit: number): Promise<readonly Transition[]> {
    const found = await reach(() =>
      this.#transitions.find({ unit }).sort({ at: -1, _id: -1 }).limit(limit).toArray(),
    );
    return found.map((one) => fromStored<Transition>(one));
  }

  async running(): Promise<readonly Transition[]> {
    const found = await reach(() => this.#transitions.find({ state: 'running' }).toArray());
    return found.map((one) => fromStored<Transition>(one));
  }

  async #conflict(lost: Transition): Promise<FicusError> {
    const running = await reach(() =>
      this.#transitions.findOne({ unit: lost.unit, state: 'running', _id: { $ne: lost.id } }),
    );
    const told =
      running === null
        ? 'was just ended'
        : `to ${running.to}, asked for by ${running.requestedBy} at ${running.at} (${running._id}), is running`;
    return new FicusError('state_conflict', `unit "${lost.unit}": another flip ${told}`, { retryable: true });
  }
}
