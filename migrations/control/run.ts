import { type Collection, type Db, MongoServerError } from 'mongodb';
import { FicusError } from '#core/errors';
import type { Clock } from '#core/ports/clock';
import { control } from './0001-control.ts';
import { deadLetters } from './0002-dead-letters.ts';
import { letterEpochs } from './0003-letter-epochs.ts';
import type { ControlMigration } from './migration.ts';

/** All of them, in order. */
export const CONTROL_MIGRATIONS: readonly ControlMigration[] = [control, deadLetters, letterEpochs];

/** `ficus.migrations`: a document for each migration that has run, and the lock. */
interface MigrationRecord {
  /** The migration's number. */
  readonly _id: number;
  readonly name: string;
  /** Who ran it, and when it had finished (ISO 8601 UTC). */
  readonly by: string;
  readonly at: string;
}

/** `ficus.migrationLock`: one document. */
interface Lock {
  readonly _id: 'lock';
  readonly holder: string | null;
  /** By the server's clock. A holder that died is waited for no longer than this. */
  readonly until: Date;
}

const LEASE_MS = 30_000;
const POLL_MS = 100;
const DUPLICATE_KEY = 11_000;

/**
 * Brings the control database up to date. May be called by any number of processes at once: one runs, the others
 * wait for it and find nothing left to do.
 * @param by names the caller; unique among those who may run at once.
 * @returns the numbers of the migrations that this call ran.
 */
export async function migrateControl(
  db: Db,
  given: { by: string; clock: Clock; migrations?: readonly ControlMigration[] },
): Promise<readonly number[]> {
  const { by, clock, migrations = CONTROL_MIGRATIONS } = given;
  const records = db.collection<MigrationRecord>('migrations');
  const lock = db.collection<Lock>('migrationLock');
  const done: number[] = [];
  while (await pending(records, migrations)) {
    if (!(await acquire(lock, by))) {
      await clock.sleep(POLL_MS);
      continue;
    }
    try {
      const next = await pending(records, migrations);
      if (next === null) break;
      await next.up(db);
      const at = new Date(clock.now()).toISOString();
      await records.updateOne(
        { _id: next.number },
        { $setOnInsert: { name: next.name, by, at } },
        { upsert: true },
      );
      done.push(next.number);
    } finally {
      await lock.updateOne({ _id: 'lock', holder: by }, { $set: { holder: null, until: new Date(0) } });
    }
  }
  return done;
}

/** @throws FicusError retryable, when a migration that this version of Ficus has did not run on it yet. */
export async function demandMigrated(db: Db): Promise<void> {
  const next = await pending(db.collection<MigrationRecord>('migrations'), CONTROL_MIGRATIONS);
  if (next === null) return;
  throw new FicusError(
    'state_conflict',
    `migration ${next.number} (${next.name}) of the control database has not run; ./ficus migrate runs it`,
    { retryable: true },
  );
}

async function pending(
  records: Collection<MigrationRecord>,
  migrations: readonly ControlMigration[],
): Promise<ControlMigration | null> {
  const known = new Set((await records.find().toArray()).map((record) => record._id));
  return migrations.find((migration) => !known.has(migration.number)) ?? null;
}

async function acquire(lock: Collection<Lock>, holder: string): Promise<boolean> {
  try {
    await lock.insertOne({ _id: 'lock', holder: null, until: new Date(0) });
  } catch (error) {
    if (!(error instanceof MongoServerError) || error.code !== DUPLICATE_KEY) throw error;
  }
  const free = { _id: 'lock' as const, $expr: { $lt: ['$until', '$$NOW'] } };
  const until = { $add: ['$$NOW', LEASE_MS] };
  const taken = await lock.updateOne(free, [{ $set: { holder: { $literal: holder }, until } }]);
  return taken.modifiedCount === 1;
}
