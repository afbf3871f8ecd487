import { setTimeout as sleep } from 'node:timers/promises';
import { type Document, Long } from 'mongodb';
import { waitFor } from '../../sandbox/src/process/poll.ts';
import { beginAt } from '../apply/begin-at.ts';
import { copyCollection } from '../apply/collections.ts';
import type { Prepared } from '../apply/prepared.ts';
import type { Run } from '../apply/run.ts';
import { imageOf, type OrderChange } from '../backlog/order-row.ts';
import { changesOf } from '../backlog/spec.ts';
import { cpuMs, peakBytes } from '../process/usage.ts';
import { watched } from '../process/watched.ts';
import type { Rig } from '../rig.ts';
import { Connector, TUNING, WRITE_CONCERN } from './connector.ts';
import type { SinkWorker } from './worker.ts';

/** A row as the connector keeps it: the record's key as `_id`, the columns as they come. */
interface SinkDocument extends Document {
  readonly _id: { readonly id: Long };
}

const TEMPLATE = 'sink-seed';
const POLL_MS = 20;
const CHECK_MS = 1_000;
const JOINING = { timeoutMs: 60_000, everyMs: 10 };

/** Makes the collection that every run begins with, in the connector's own form. */
export async function prepareSink(rig: Rig, { backlog }: Prepared): Promise<void> {
  const documents = changesOf({ ...backlog, kind: 'seed' }).map(sinkDocument);
  await rig.documents.collection<SinkDocument>(TEMPLATE).insertMany(documents);
}

/**
 * Applies a backlog. Measured is from the first write that is seen, without what was written by then (a connector takes
 * seconds to start), until the last row of each partition is in MongoDB: it commits its offsets later than that.
 */
export async function runSink(rig: Rig, worker: SinkWorker, prepared: Prepared, name: string): Promise<Run> {
  const { topic, backlog, starts } = prepared;
  await copyCollection(rig, TEMPLATE, name);
  const connector = new Connector(worker.url, name);
  await beginAt(rig, connector.group, starts);
  try {
    const last = lastOf(changesOf(backlog));
    const idle = await writesOf(rig);
    const { outcome, mongodMs } = await watched(rig, async (begin) => {
      await connector.create({
        ...TUNING,
        topics: topic,
        'connection.uri': `${rig.rootUrl}&${WRITE_CONCERN}`,
        database: rig.database,
        collection: name,
      });
      const first = await waitFor('the sink connector', () => writesSince(rig, idle, connector), JOINING);
      await begin();
      const cpu = await cpuMs(worker.pid);
      const from = performance.now();
      await untilThere(rig, { name, last, connector });
      const ms = performance.now() - from;
      const events = backlog.events - first;
      return { ms, events, cpuMs: (await cpuMs(worker.pid)) - cpu, peakBytes: await peakBytes(worker.pid) };
    });
    return { ...outcome, mongodMs };
  } finally {
    await connector.remove().catch(() => undefined);
  }
}

function sinkDocument(change: OrderChange): SinkDocument {
  const members = Object.entries(imageOf(change)).map(([name, value]) => [
    name,
    typeof value === 'number' ? Long.fromNumber(value) : value,
  ]);
  return { ...Object.fromEntries(members), _id: { id: Long.fromNumber(change.id) } };
}

/** Answers how many writes came since; @throws while there is none, which is what its waiting is for. */
async function writesSince(rig: Rig, idle: number, connector: Connector): Promise<number> {
  const writes = (await writesOf(rig)) - idle;
  if (writes > 0) return writes;
  await connector.check();
  throw new Error('it has written nothing');
}

/** Update statements that MongoDB's server has been given in its life. */
async function writesOf({ documents }: Rig): Promise<number> {
  const status = await documents.client.db('admin').command({ serverStatus: 1 });
  return Number(status.opcounters.update);
}

function lastOf(changes: readonly OrderChange[]): readonly OrderChange[] {
  return [...new Map(changes.map((change) => [change.partition, change])).values()];
}

async function untilThere(
  { documents }: Rig,
  { name, last, connector }: { name: string; last: readonly OrderChange[]; connector: Connector },
): Promise<void> {
  const one = last.map((change) => ({
    _id: { id: Long.fromNumber(change.id) },
    note: String(imageOf(change).note),
  }));
  for (let checked = performance.now(); ; await sleep(POLL_MS)) {
    if ((await documents.collection<SinkDocument>(name).countDocuments({ $or: one })) === last.length) return;
    if (performance.now() - checked < CHECK_MS) continue;
    await connector.check();
    checked = performance.now();
  }
}
