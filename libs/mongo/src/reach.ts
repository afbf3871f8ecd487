import {
  type Collection,
  type Document,
  MongoError,
  MongoServerError,
  MongoTopologyClosedError,
  type OptionalUnlessRequiredId,
} from 'mongodb';
import { FicusError, reasonOf } from '#core/errors';

const DUPLICATE_KEY = 11_000;
/** Refusals that no retry mends, since the command or the document itself is wrong: a bug, not an outage. */
const FAULTY = [2, 9, 14, 40, 66, 121, DUPLICATE_KEY];

/** Carries out a call to MongoDB. @throws FicusError `mongo_unavailable` (retryable) when it was not to be had. */
export async function reach<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    if (cause instanceof MongoError && !FAULTY.includes(Number(cause.code)))
      throw new FicusError('mongo_unavailable', `MongoDB: ${reason(cause)}`, { cause, retryable: true });
    throw cause;
  }
}

function reason(cause: MongoError): string {
  return cause instanceof MongoTopologyClosedError ? 'not connected yet, trying again' : reasonOf(cause);
}

/** Inserts a document unless a unique index refuses it. @returns false when it does. */
export async function insertUnlessKnown<T extends Document>(
  collection: Collection<T>,
  document: OptionalUnlessRequiredId<T>,
): Promise<boolean> {
  return await reach(async () => {
    try {
      await collection.insertOne(document);
      return true;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return false;
      throw error;
    }
  });
}
