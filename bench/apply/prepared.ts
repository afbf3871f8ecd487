import { KafkaProgress, type Offsets } from '#kafka/progress';
import { ensureTopics } from '#kafka/topics';
import { systemClock as clock } from '#observability/clock';
import { waitFor } from '../../sandbox/src/process/poll.ts';
import { orderPlan } from '../backlog/order-plan.ts';
import { envelopeOf, eventText, keyText, type OrderChange } from '../backlog/order-row.ts';
import { type Outgoing, produce } from '../backlog/produce.ts';
import { PARTITIONS, repeatShare } from '../backlog/sequence.ts';
import { type BacklogSpec, changesOf } from '../backlog/spec.ts';
import type { Rig } from '../rig.ts';
import { runFicus } from './ficus.ts';

/** A topic with a backlog behind the records that have made the documents of a collection. */
export interface Prepared {
  readonly topic: string;
  readonly backlog: BacklogSpec;
  /** The collection that every run begins with; null: with none. */
  readonly from: string | null;
  /** Documents that must be there afterwards. */
  readonly documents: number;
  /** Where the backlog begins. */
  readonly starts: ReadonlyMap<string, Offsets>;
  /** Of an event's key and value, on average. */
  readonly eventBytes: number;
  readonly repeats: number;
}

/** How a change is written as a record. */
export type Encode = (change: OrderChange) => Outgoing;

export const asJson: Encode = (change) => ({
  partition: change.partition,
  key: Buffer.from(keyText(change)),
  value: Buffer.from(eventText(envelopeOf(change))),
});

/**
 * Writes the first life of all keys into a topic and has it applied by Ficus itself, so that the documents are its own;
 * then writes the backlog behind it. A snapshot has nothing before it.
 */
export async function prepare(
  rig: Rig,
  name: string,
  backlog: BacklogSpec,
  encode: Encode = asJson,
): Promise<Prepared> {
  const topic = `${name}.public.orders`;
  await ensureTopics(rig.kafka, [{ topic, partitions: PARTITIONS }], { clock });
  const beginning = await endsOf(rig, [topic]);
  const isSnapshot = backlog.kind === 'snapshot';
  if (!isSnapshot) {
    const seed = changesOf({ ...backlog, kind: 'seed' });
    await produce(rig.kafka, topic, seed.map(encode));
    const plan = orderPlan(name, topic);
    await runFicus(rig, { plan, from: null, starts: beginning, events: seed.length, isWarm: false });
  }
  const starts = await endsOf(rig, [topic]);
  const changes = changesOf(backlog);
  const bytes = await produce(rig.kafka, topic, changes.values().map(encode));
  const inserts = changes.filter(({ op }) => op !== 'u').length;
  return {
    ...{ topic, backlog, starts },
    from: isSnapshot ? null : name,
    documents: (isSnapshot ? 0 : backlog.keys) + inserts,
    eventBytes: bytes / changes.length,
    repeats: repeatShare(changes),
  };
}

export async function endsOf(rig: Rig, topics: readonly string[]): Promise<ReadonlyMap<string, Offsets>> {
  const progress = new KafkaProgress(rig.kafka);
  try {
    // A topic that was just made has no leader at first.
    return await waitFor('the ends of the topics', () => progress.endOffsets(topics), { timeoutMs: 20_000 });
  } finally {
    await progress.close();
  }
}
