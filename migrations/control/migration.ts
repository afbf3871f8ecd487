import type { Db, Document } from 'mongodb';

/**
 * One change of the control database. Append-only: a migration that was released is never edited, a later one
 * corrects it. `up` must be harmless when it runs again, since a crash may come between it and its record.
 */
export interface ControlMigration {
  /** Counts from 1 without gaps; migrations run in this order. */
  readonly number: number;
  readonly name: string;
  up(db: Db): Promise<void>;
}

/** Makes a collection with this validator, or gives it to the existing one. */
export async function putCollection(db: Db, name: string, validator: Document): Promise<void> {
  const options = { validator, validationLevel: 'strict', validationAction: 'error' } as const;
  const [known] = await db.listCollections({ name }, { nameOnly: true }).toArray();
  if (known === undefined) await db.createCollection(name, options);
  else await db.command({ collMod: name, ...options });
}
