import { forwardGroup, type Plan } from '#core/plan';
import type { Offsets } from '#kafka/progress';
import { ensureCollection } from '#mongo/documents/schema';
import { runMeasured } from '../process/parent.ts';
import { watched } from '../process/watched.ts';
import type { Rig } from '../rig.ts';
import { beginAt } from './begin-at.ts';
import { copyCollection, dropCollection } from './collections.ts';
import type { FicusGiven } from './ficus-process.ts';
import type { Run } from './run.ts';

export interface FicusRun {
  readonly plan: Plan;
  /** The collection whose documents are there before; null: none. `plan.collection` itself: as they are. */
  readonly from: string | null;
  /** Where the group begins to read; what is not named begins with the first record. */
  readonly starts: ReadonlyMap<string, Offsets>;
  readonly events: number;
  readonly profile?: string | undefined;
  /** Measure a process that has applied something before? */
  readonly isWarm?: boolean;
}

const PROCESS = new URL('./ficus-process.ts', import.meta.url);

/** Applies the topics of a plan from given offsets to their ends, and checks that nothing was put aside. */
export async function runFicus(rig: Rig, given: FicusRun): Promise<Run> {
  const { plan, from, starts, events, profile, isWarm = true } = given;
  if (from !== null && from !== plan.collection) await copyCollection(rig, from, plan.collection);
  await ensureCollection(rig.documents, plan, 1);
  await beginAt(rig, forwardGroup(plan.unit), starts);
  const { brokers, mongoUrl, database } = rig;
  const name = `${plan.unit}-warm-up`;
  const warmUp = isWarm ? { ...plan, unit: name, collection: name } : null;
  if (warmUp !== null) {
    await ensureCollection(rig.documents, warmUp, 1);
    await beginAt(rig, forwardGroup(warmUp.unit), firstOf(starts));
  }
  const child: FicusGiven = { brokers, mongoUrl, database, plan, warmUp };
  const flags = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`];
  const { outcome, mongodMs } = await watched(rig, (begin) => runMeasured(PROCESS, child, { begin, flags }));
  if (warmUp !== null) await dropCollection(rig, warmUp.collection);
  const { notes, measured } = outcome;
  if ((notes.deadLetters ?? 0) > 0) throw new Error(`${plan.unit}: ${notes.deadLetters} dead letters`);
  return { ...measured, mongodMs, events, notes };
}

function firstOf(starts: ReadonlyMap<string, Offsets>): ReadonlyMap<string, Offsets> {
  const first = [...starts].map(
    ([topic, offsets]) => [topic, new Map([...offsets.keys()].map((partition) => [partition, 0n]))] as const,
  );
  return new Map(first);
}
