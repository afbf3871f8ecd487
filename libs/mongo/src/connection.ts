import { MongoClient } from 'mongodb';

/** Milliseconds after which an unreachable replica set is an error, which every caller reports and retries. */
const SELECTION_MS = 3_000;
/** A server that answers nothing for so long is taken for dead; longer than any `maxTimeMS` of a command. */
const SOCKET_MS = 60_000;

/**
 * A client of the replica set at `url` (authentication stands in it). It connects at the first use and reconnects
 * by itself, so it may be opened while MongoDB is down. Whatever it acknowledges survives the loss of a member:
 * writes are majority and journalled, reads see only what a majority has.
 * @param app is shown in the server's own log and in `currentOp`.
 */
export function openMongo(url: string, app: string): MongoClient {
  return new MongoClient(url, {
    appName: app,
    connectTimeoutMS: SELECTION_MS,
    readConcern: { level: 'majority' },
    readPreference: 'primary',
    retryReads: true,
    retryWrites: true,
    serverSelectionTimeoutMS: SELECTION_MS,
    socketTimeoutMS: SOCKET_MS,
    writeConcern: { w: 'majority', journal: true },
  });
}
