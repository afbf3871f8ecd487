import { Registry } from 'prom-client';
import { defaultThreads } from '#config/environment';
import { FicusError } from '#core/errors';
import { forwardGroup, type Plan, topicsOf } from '#core/plan';
import type { ReplicationCounts } from '#core/unit-state';
import { PLAIN_FORM, RecordDecoder } from '#debezium/decoder';
import { CachedSchemas } from '#debezium/schema-registry';
import { openKafka } from '#kafka/client';
import { DeadLetterTopic } from '#kafka/dead-letter-topic';
import { isPast, KafkaProgress, type Offsets } from '#kafka/progress';
import { openMongo } from '#mongo/connection';
import { openControl } from '#mongo/control/control';
import { MongoDocumentStore } from '#mongo/documents/store';
import { systemClock as clock } from '#observability/clock';
import { Dependencies } from '#observability/dependencies';
import { keyedDigest } from '#observability/digest';
import { openLog } from '#observability/log';
import { BatchApplier } from '../../apps/replicator/src/batch-applier.ts';
import { ForwardLeg } from '../../apps/replicator/src/forward-leg.ts';
import { KeyedApplier } from '../../apps/replicator/src/keyed-applier.ts';
import { Meters } from '../../apps/replicator/src/meters.ts';
import { KeyedThreads } from '../../apps/replicator/src/threads/keyed-threads.ts';
import { Truncation } from '../../apps/replicator/src/truncation.ts';
import { ORDER_SCHEMAS } from '../backlog/avro.ts';
import { measure } from '../process/child.ts';

export interface FicusGiven {
  readonly brokers: string;
  readonly mongoUrl: string;
  readonly database: string;
  readonly plan: Plan;
  /** A plan of the same topic, of whose records some are applied before anything is measured; null: none. */
  readonly warmUp: Plan | null;
}

/** How often it is asked whether everything is committed. */
const POLL_MS = 50;
/** Changes until the code is compiled: a replicator runs for weeks, as the worker of the sink connector does here. */
const WARM = 40_000;

/** One forward leg with everything that it has in a replicator, from its start until its group has read everything. */
await measure(async (given) => {
  const { brokers, mongoUrl, database, plan, warmUp } = given as FicusGiven;
  const log = openLog('bench', 'bench', 'warn');
  const mongo = openMongo(mongoUrl, 'ficus-bench');
  const control = openControl(mongo, clock);
  const kafka = openKafka(brokers.split(','), 'ficus-bench', () => undefined);
  const progress = new KafkaProgress(kafka);
  const documents = new MongoDocumentStore(mongo.db(database));
  const digest = keyedDigest('bench');
  const decoder = new RecordDecoder({
    schemas: new CachedSchemas(ORDER_SCHEMAS),
    form: () => PLAIN_FORM,
  });
  const own = new KeyedApplier(documents, digest);
  const pool = { mongoUrl, database, digestKey: 'bench', count: defaultThreads() };
  const threads = new KeyedThreads({ ...pool, own, log });
  const parts = {
    ...{ ...control, kafka, clock, log },
    applier: new BatchApplier(documents, digest, threads),
    decoderOf: () => decoder,
    deadLetterTopic: new DeadLetterTopic(kafka),
    truncation: new Truncation({ documents, digest, progress, captured: async () => true }),
    dependencies: new Dependencies(clock),
    meters: new Meters(new Registry()),
  };
  const legOf = async (of: Plan): Promise<ForwardLeg> => {
    await control.plans.put(of, '', 'bench');
    // Counts are told only beside a status, which a replicator's supervisor would write.
    const at = new Date(clock.now()).toISOString();
    await control.status.put({
      ...{ unit: of.unit, planVersion: 1, at, lagMs: null, backlog: 0 },
      snapshot: { complete: true, rows: 0, total: null, startedAt: null, completedAt: null },
    });
    const unit = await control.units.read(of.unit);
    if (unit === null) throw new Error(`${of.unit} was just put and is not there`);
    return new ForwardLeg(unit, parts);
  };
  const countsOf = async ({ unit }: Plan): Promise<ReplicationCounts> => {
    const counts = (await control.units.read(unit))?.replication?.counts;
    if (counts === undefined) throw new Error(`${unit} has no counts`);
    return counts;
  };
  const ends = await progress.endOffsets(topicsOf(plan));
  if (warmUp !== null) {
    const leg = await legOf(warmUp);
    leg.start();
    const most = Math.min(WARM, recordsBefore(ends));
    while ((await countsOf(warmUp)).applied < most) await clock.sleep(POLL_MS);
    await leg.stop();
  }
  const leg = await legOf(plan);
  return async () => {
    leg.start();
    await untilPast(progress, plan, ends);
    return { ...(await countsOf(plan)) };
  };
});

function recordsBefore(ends: ReadonlyMap<string, Offsets>): number {
  const offsets = [...ends.values()].flatMap((partitions) => [...partitions.values()]);
  return offsets.reduce((sum, offset) => sum + Number(offset), 0);
}

async function untilPast(
  progress: KafkaProgress,
  plan: Plan,
  ends: ReadonlyMap<string, Offsets>,
): Promise<void> {
  for (;;) {
    try {
      const committed = await progress.committed(forwardGroup(plan.unit), topicsOf(plan));
      if (isPast(committed, ends)) return;
    } catch (error) {
      // A broker that has just started does not know its groups yet.
      if (!(error instanceof FicusError) || !error.retryable) throw error;
    }
    await clock.sleep(POLL_MS);
  }
}
