import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';

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

export async function readState(path: string): Promise<ConnectorState | null> {
  const text = await readFile(path, 'utf8').catch(() => null);
  return text === null ? null : State.parse(JSON.parse(text));
}

export async function writeState(path: string, state: ConnectorState): Promise<void> {
  await writeFile(`${path}.new`, JSON.stringify(state));
  await rename(`${path}.new`, path);
}
