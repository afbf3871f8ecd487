import type { Collection, Db } from 'mongodb';
import type { Clock } from '#core/ports/clock';
import type { Instance, InstanceStore } from '#core/ports/control';
import { reach } from '../reach.ts';

/** `ficus.instances`: one document a living process. */
interface StoredInstance {
  /** The instance's id. */
  readonly _id: string;
  readonly app: string;
  /** Its last word, by its own clock. A date, since a TTL index (migration 1) removes the silent ones. */
  readonly at: Date;
  readonly plans?: Readonly<Record<string, number>>;
}

export class MongoInstanceStore implements InstanceStore {
  readonly #instances: Collection<StoredInstance>;
  readonly #clock: Clock;

  constructor(db: Db, clock: Clock) {
    this.#instances = db.collection('instances');
    this.#clock = clock;
  }

  async beat({ id, app, at, plans }: Instance): Promise<void> {
    const $set = { app, at: new Date(at), plans };
    await reach(() => this.#instances.updateOne({ _id: id }, { $set }, { upsert: true }));
  }

  async alive(app: string, withinMs: number): Promise<readonly Instance[]> {
    const since = new Date(this.#clock.now() - withinMs);
    const found = await reach(() =>
      this.#instances
        .find({ app, at: { $gte: since } })
        .sort({ _id: 1 })
        .toArray(),
    );
    return found.map(({ _id: id, at, plans = {} }) => ({ id, app, at: at.toISOString(), plans }));
  }
}
