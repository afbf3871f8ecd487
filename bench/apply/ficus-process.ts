import { Registry } from 'prom-client';
import { FicusError } from '#core/errors';
import { forwardGroup, type Plan, topicsOf } from '#core/plan';
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
import { Meters } from '../../apps/replicator/src/meters.ts';
import { Truncation } from '../../apps/replicator/src/truncation.ts';
import { ORDER_SCHEMAS } from '../backlog/avro.ts';
import { measure } from '../process/child.ts';

export interface FicusGiven {
  readonly brokers: string;
  readonly mongoUrl: string;
  readonly database: string;
  readonly plan: Plan;
}

/** How often it is asked whether everything is committed. */
const POLL_MS = 50;

/** One forward leg with everything that it has in a replicator, from its start until its group has read everything. */
await measure(async (given) => {
  const { brokers, mongoUrl, database, plan } = given as FicusGiven;
  const log = openLog('bench', 'bench', 'warn');
  const mongo = openMongo(mongoUrl, 'ficus-bench');
  const control = openControl(mongo, clock);
  await control.plans.put(plan, '', 'bench');
  const unit = await control.units.read(plan.unit);
  if (unit === null) throw new Error(`${plan.unit} was just put and is not there`);
  const kafka = openKafka(brokers.split(','), 'ficus-bench', () => undefined);
  const progress = new KafkaProgress(kafka);
  const documents = new MongoDocumentStore(mongo.db(database));
  const digest = keyedDigest('bench');
  const decoder = new RecordDecoder({
    schemas: new CachedSchemas(ORDER_SCHEMAS),
    form: () => PLAIN_FORM,
  });
  const leg = new ForwardLeg(unit, {
    ...{ ...control, kafka, clock, log },
    applier: new BatchApplier(documents, digest),
    decoderOf: () => decoder,
    deadLetterTopic: new DeadLetterTopic(kafka),
    truncation: new Truncation({ documents, digest, progress, captured: async () => true }),
    dependencies: new Dependencies(clock),
    meters: new Meters(new Registry()),
  });
  const ends = await progress.endOffsets(topicsOf(plan));
  return async () => {
    leg.start();
    await untilPast(progress, plan, ends);
    return { ...(await control.units.read(plan.unit))?.replication?.counts };
  };
});

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
