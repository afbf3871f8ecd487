import { setTimeout as pause } from 'node:timers/promises';
import { MongoClient } from 'mongodb';

/** Milliseconds after which an unreachable replica set is an error, which every caller reports and retries. */
const SELECTION_MS = 3_000;
/** A server that answers nothing for so long is taken for dead; longer than any `maxTimeMS` of a command. */
const SOCKET_MS = 60_000;
const RETRY_MS = 250;

/**
 * A client of the replica set at `url` (authentication stands in it). It connects and reconnects by itself, so it may
 * be opened while MongoDB is down. Whatever it acknowledges survives the loss of a member: writes are majority and
 * journalled, reads see only what a majority has.
 * @param app is shown in the server's own log and in `currentOp`.
 */
export function openMongo(url: string, app: string): MongoClient {
  const client = new PatientClient(url, {
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
  client.persist();
  return client;
}

/**
 * The driver comes back from any outage but one: a client whose very first connection fails answers "Topology is
 * closed" for ever, unless somebody calls `connect` again (driver 7.9). This one does.
 */
class PatientClient extends MongoClient {
  readonly #closing = new AbortController();

  /** Connects in the background until it has succeeded once. */
  persist(): void {
    this.#connectAtLast().catch(() => undefined);
  }

  override async close(force?: boolean): Promise<void> {
    this.#closing.abort();
    await super.close(force);
  }

  async #connectAtLast(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        await this.connect();
        return;
      } catch {
        // Whoever uses the client meanwhile is told the reason; here it is only tried again.
        await pause(RETRY_MS, undefined, { signal, ref: false });
      }
    }
  }
}
