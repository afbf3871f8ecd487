import type { Collection, Db } from 'mongodb';
import type { UnknownColumn, UnknownColumnStore } from '#core/ports/replication';
import { reach } from '../reach.ts';

/** `ficus.unknownColumns`: one document a column; the members are those of `UnknownColumn`. */
type StoredColumn = UnknownColumn & {
  /** unit/table/column. */
  readonly _id: string;
};

export class MongoUnknownColumnStore implements UnknownColumnStore {
  readonly #columns: Collection<StoredColumn>;

  constructor(db: Db) {
    this.#columns = db.collection('unknownColumns');
  }

  async report(seen: {
    unit: string;
    table: string;
    column: string;
    count: number;
    origin: string;
    at: string;
  }): Promise<void> {
    const { unit, table, column, count, origin, at } = seen;
    const update = {
      $inc: { count },
      $max: { lastSeen: at },
      $setOnInsert: { unit, table, column, origin, firstSeen: at },
    };
    await reach(() =>
      this.#columns.updateOne({ _id: `${unit}/${table}/${column}` }, update, { upsert: true }),
    );
  }

  async list(unit: string): Promise<readonly UnknownColumn[]> {
    return await reach(() =>
      this.#columns
        .find<UnknownColumn>({ unit }, { projection: { _id: 0 } })
        .sort({ _id: 1 })
        .toArray(),
    );
  }
}
