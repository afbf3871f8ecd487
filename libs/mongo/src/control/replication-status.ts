import type { Collection, Db } from 'mongodb';
import type { ReplicationStatusStore } from '#core/ports/replication';
import type { ReplicationCounts, ReplicationStatus } from '#core/unit-state';
import { reach } from '../reach.ts';

/** `ficus.replication`, one for each unit. A report may be missing (`at` absent) when only counts came so far. */
export interface StoredStatus extends Partial<Omit<ReplicationStatus, 'unit' | 'counts'>> {
  /** The unit. */
  readonly _id: string;
  /** Sums over all replicators since the unit was applied; only ever incremented. */
  readonly counts: ReplicationCounts;
}

const NONE: ReplicationCounts = { applied: 0, unchanged: 0, stale: 0, recheck: 0, deadLetters: 0 };

export class MongoReplicationStatusStore implements ReplicationStatusStore {
  readonly #statuses: Collection<StoredStatus>;

  constructor(db: Db) {
    this.#statuses = db.collection('replication');
  }

  async put(status: Omit<ReplicationStatus, 'counts'>): Promise<void> {
    const { unit, planVersion, at, lagMs, backlog, snapshot } = status;
    const update = {
      $set: { planVersion, at, lagMs, backlog, snapshot },
      $setOnInsert: { counts: NONE },
    };
    await reach(() => this.#statuses.updateOne({ _id: unit }, update, { upsert: true }));
  }

  async addCounts(unit: string, delta: ReplicationCounts): Promise<void> {
    const $inc = Object.fromEntries(Object.entries(delta).map(([name, by]) => [`counts.${name}`, by]));
    await reach(() => this.#statuses.updateOne({ _id: unit }, { $inc }, { upsert: true }));
  }
}

export function readStatus(stored: StoredStatus | undefined): ReplicationStatus | null {
  if (stored === undefined) return null;
  const { _id: unit, planVersion = 0, at, lagMs, backlog, snapshot, counts } = stored;
  if (at === undefined || lagMs === undefined || backlog === undefined || snapshot === undefined) return null;
  return { unit, planVersion, at, lagMs, backlog, snapshot, counts: { ...NONE, ...counts } };
}
