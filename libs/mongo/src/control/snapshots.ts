import type { Collection, Db } from 'mongodb';
import type { SnapshotStore, TableSnapshot } from '#core/ports/replication';
import { reach } from '../reach.ts';

/** `ficus.snapshots`: one document a table of a unit; the members are those of `TableSnapshot`. */
type StoredSnapshot = TableSnapshot & {
  /** unit/table. */
  readonly _id: string;
};

const NEW: Omit<TableSnapshot, 'unit' | 'table' | 'rows'> = {
  requestedAt: null,
  startedAt: null,
  progressAt: null,
  scannedAt: null,
  scanEnds: null,
  completedAt: null,
  total: null,
};

export class MongoSnapshotStore implements SnapshotStore {
  readonly #snapshots: Collection<StoredSnapshot>;

  constructor(db: Db) {
    this.#snapshots = db.collection('snapshots');
  }

  async list(unit: string): Promise<readonly TableSnapshot[]> {
    return await reach(() =>
      this.#snapshots
        .find<TableSnapshot>({ unit }, { projection: { _id: 0 } })
        .sort({ _id: 1 })
        .toArray(),
    );
  }

  async change(
    unit: string,
    table: string,
    fields: Partial<Omit<TableSnapshot, 'unit' | 'table' | 'rows'>>,
  ): Promise<void> {
    // MongoDB refuses a member that stands in both operators.
    const rest = Object.entries(NEW).filter(([name]) => !(name in fields));
    const update = { $set: fields, $setOnInsert: { unit, table, rows: 0, ...Object.fromEntries(rest) } };
    await reach(() => this.#snapshots.updateOne({ _id: `${unit}/${table}` }, update, { upsert: true }));
  }

  async addRows(unit: string, table: string, rows: number): Promise<void> {
    const update = { $inc: { rows }, $setOnInsert: { unit, table, ...NEW } };
    await reach(() => this.#snapshots.updateOne({ _id: `${unit}/${table}` }, update, { upsert: true }));
  }
}
