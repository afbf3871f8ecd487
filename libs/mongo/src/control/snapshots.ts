import type { Collection, Db } from 'mongodb';
import type { SnapshotStore, TableSnapshot } from '#core/ports/replication';
import { reach } from '../reach.ts';

/** `ficus.snapshots`: one document a table of a unit; the members are those of `TableSnapshot`. */
type StoredSnapshot = TableSnapshot & {
  /** unit/table. */
  readonly _id: string;
};

const NEW: Omit<TableSnapshot, 'unit' | 'table' | 'version' | 'orderedAfter' | 'requestedAt'> = {
  startedAt: null,
  progressAt: null,
  scannedAt: null,
  scanEnds: null,
  completedAt: null,
  failure: null,
  total: null,
  rows: 0,
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

  async begin(unit: string, table: string, order: Parameters<SnapshotStore['begin']>[2]): Promise<void> {
    const { version, orderedAfter, requestedAt } = order;
    const whole = { unit, table, version, orderedAfter, requestedAt, ...NEW };
    await reach(() => this.#snapshots.replaceOne({ _id: idOf(unit, table) }, whole, { upsert: true }));
  }

  async change(unit: string, table: string, fields: Parameters<SnapshotStore['change']>[2]): Promise<void> {
    await reach(() => this.#snapshots.updateOne({ _id: idOf(unit, table) }, { $set: fields }));
  }

  async addRows(unit: string, table: string, rows: number): Promise<void> {
    await reach(() => this.#snapshots.updateOne({ _id: idOf(unit, table) }, { $inc: { rows } }));
  }
}

function idOf(unit: string, table: string): string {
  return `${unit}/${table}`;
}
