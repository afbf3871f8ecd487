import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { assert, FicusError, reasonOf } from '#core/errors';
import type { Plan } from '#core/plan';
import { RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { openMongo } from '#mongo/connection';
import { MongoDocumentStore } from '#mongo/documents/store';
import { keyedDigest } from '#observability/digest';
import { KeyedApplier } from '../keyed-applier.ts';
import type { Done, FromThread, Task, ThreadGiven, ToThread } from './messages.ts';
import { unpack } from './parcel.ts';

/** A thread that applies batches of any unit with a connection of its own, until it is told to close. */
assert(parentPort !== null, 'this file is run as a thread');
const port: MessagePort = parentPort;
const { mongoUrl, database, digestKey } = workerData as ThreadGiven;
const mongo = openMongo(mongoUrl, 'ficus-replicator');
const applier = new KeyedApplier(new MongoDocumentStore(mongo.db(database)), keyedDigest(digestKey));
const settings = new Map<string, { readonly plan: Plan; readonly decoder: RecordDecoder }>();

port.on('message', (message: ToThread) => {
  switch (message.kind) {
    case 'setting': {
      const { plan, form } = message;
      settings.set(plan.unit, { plan, decoder: new RecordDecoder({ schemas: null, form: () => form }) });
      break;
    }
    case 'task':
      void answer(message);
      break;
    case 'close':
      void mongo.close().finally(() => port.close());
  }
});
say({ kind: 'ready' });

async function answer(task: Task): Promise<void> {
  try {
    say(await apply(task));
  } catch (error) {
    const known = error instanceof FicusError ? error : null;
    say({
      ...{ kind: 'failed', id: task.id, code: known?.code ?? null },
      ...{ message: known?.message ?? detailsOf(error), retryable: known?.retryable ?? false },
    });
  }
}

async function apply({ id, unit, parcel, incarnations, term, together }: Task): Promise<Done> {
  const setting = settings.get(unit);
  assert(setting !== undefined, `the setting of ${unit} was told before`);
  const records = unpack(parcel);
  let places: ReadonlyMap<LogRecord, number> | null = null;
  const at = (record: LogRecord): number => {
    places ??= new Map(records.map((one, place) => [one, place]));
    return places.get(record) ?? -1;
  };
  const [epoch = 0] = parcel.epochs;
  const areOne = parcel.epochs.every((one) => one === epoch);
  const epochOf = areOne ? () => epoch : (record: LogRecord) => parcel.epochs[at(record)] ?? epoch;
  const context = { ...setting, incarnations, term, epochOf };
  const { counted, left } = await applier.apply(context, records, together);
  return {
    ...{ kind: 'done', id, outcomes: counted.outcomes, snapshotRows: counted.snapshotRows },
    unknown: [...counted.unknown.values()].map(({ record, ...rest }) => ({ ...rest, at: at(record) })),
    committedAt: Float64Array.from(counted.committedAt),
    left: Int32Array.from(left, at),
  };
}

function say(message: FromThread): void {
  port.postMessage(message);
}

function detailsOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : reasonOf(error);
}
