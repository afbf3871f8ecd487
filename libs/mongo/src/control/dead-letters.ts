import type { Collection, Db } from 'mongodb';
import type { DeadLetter, DeadLetterStore } from '#core/ports/control';
import { reach } from '../reach.ts';
import { fromStored, type Stored, toStored } from './record.ts';

/** `ficus.deadLetters`: one document a record that could not be applied; `_id` is topic/partition/offset. */
export class MongoDeadLetterStore implements DeadLetterStore {
  readonly #letters: Collection<Stored<DeadLetter>>;

  constructor(db: Db) {
    this.#letters = db.collection('deadLetters');
  }

  async add(letter: DeadLetter): Promise<void> {
    const { _id, ...$setOnInsert } = toStored(letter);
    await reach(() => this.#letters.updateOne({ _id }, { $setOnInsert }, { upsert: true }));
  }

  async count(unit: string): Promise<number> {
    return await reach(() => this.#letters.countDocuments({ unit }));
  }

  async list(unit: string | null, limit: number): Promise<readonly DeadLetter[]> {
    const found = await reach(() =>
      this.#letters
        .find(unit === null ? {} : { unit })
        .sort({ at: -1, _id: 1 })
        .limit(limit)
        .toArray(),
    );
    return found.map((one) => fromStored<DeadLetter>(one));
  }
}
