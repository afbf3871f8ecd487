import { randomUUID } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';

/** How the names of drafts end. A kill may leave one behind, half written; nobody reads it. */
export const DRAFT = '.new';

/**
 * What a connector must remember over its end. Written after the records it tells of are acknowledged, whole and by
 * renaming, so that a kill at any moment repeats records but loses none.
 */
const Snapshot = z.object({
  /** The signal's id. */
  id: z.string(),
  collections: z.array(z.string()),
  /** Index of the collection that is being read. */
  current: z.number(),
  /** Values of the last key read, as texts; null: none yet. */
  after: z.array(z.union([z.string(), z.number(), z.null()])).nullable(),
  rows: z.number(),
});
export type IncrementalState = z.infer<typeof Snapshot>;

const State = z.object({
  config: z.record(z.string(), z.string()),
  /** Tables whose initial snapshot is complete, `SCHEMA.TABLE`. */
  snapshotted: z.boolean(),
  /** Position of the last event: commit and change as decimal texts. */
  commit: z.string(),
  change: z.string().nullable(),
  incremental: z.array(Snapshot),
});
export type ConnectorState = z.infer<typeof State>;

/**
 * The file in which a connector's state is kept. Saves may be asked for at once: they are made one after another, each
 * through a file of its own, so that the state asked for last is the one that stays.
 */
export class StateFile {
  private readonly path: string;
  private saved: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  /** @returns null when there is none. @throws when it cannot be read: to begin anew would lose changes. */
  async read(): Promise<ConnectorState | null> {
    const text = await readFile(this.path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    return text === null ? null : State.parse(JSON.parse(text));
  }

  save(state: ConnectorState): Promise<void> {
    const done = this.saved.then(() => this.replace(JSON.stringify(state)));
    this.saved = done.catch(() => undefined);
    return done;
  }

  private async replace(text: string): Promise<void> {
    const draft = `${this.path}.${randomUUID()}${DRAFT}`;
    try {
      await writeFile(draft, text);
      await rename(draft, this.path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}
