import type { BacklogSpec } from '../backlog/spec.ts';
import { runMeasured } from '../process/parent.ts';
import { watched } from '../process/watched.ts';
import type { Rig } from '../rig.ts';
import type { CeilingForm, CeilingGiven } from './ceiling-process.ts';
import { copyCollection } from './collections.ts';
import type { Run } from './run.ts';

const PROCESS = new URL('./ceiling-process.ts', import.meta.url);

/** Writes a backlog's documents from memory by the bare driver. @param from the collection that is there before. */
export async function runCeiling(
  rig: Rig,
  given: { form: CeilingForm; backlog: BacklogSpec; collection: string; from: string | null },
): Promise<Run> {
  const { form, backlog, collection, from } = given;
  if (from === null) await rig.documents.createCollection(collection);
  else await copyCollection(rig, from, collection);
  const child: CeilingGiven = { mongoUrl: rig.rootUrl, database: rig.database, collection, form, backlog };
  const { outcome, mongodMs } = await watched(rig, (begin) => runMeasured(PROCESS, child, { begin }));
  return { ...outcome.measured, mongodMs, events: backlog.events };
}
