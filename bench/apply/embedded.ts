import type { Plan } from '#core/plan';
import { ensureTopics } from '#kafka/topics';
import { systemClock as clock } from '#observability/clock';
import { isOrder, lineRecord, orderRecord, orderWithLinesPlan, ROWS } from '../backlog/order-lines.ts';
import { produce } from '../backlog/produce.ts';
import { PARTITIONS } from '../backlog/sequence.ts';
import { type BacklogSpec, changesOf } from '../backlog/spec.ts';
import type { Rig } from '../rig.ts';
import { runFicus } from './ficus.ts';
import { endsOf, type Prepared } from './prepared.ts';

const ORDERS = 'embedded.public.orders';
const LINES = 'embedded.public.order_line';

export function embeddedPlan(unit: string): Plan {
  return orderWithLinesPlan(unit, ORDERS, LINES);
}

/** Writes orders and their lines, has them applied, and writes updates of both behind them, in two topics. */
export async function prepareEmbedded(
  rig: Rig,
  backlog: BacklogSpec,
): Promise<Pick<Prepared, 'from' | 'documents' | 'starts'>> {
  const topics = [ORDERS, LINES];
  await ensureTopics(
    rig.kafka,
    topics.map((topic) => ({ topic, partitions: PARTITIONS })),
    { clock },
  );
  const write = async (spec: BacklogSpec): Promise<void> => {
    const changes = changesOf(spec);
    await produce(rig.kafka, ORDERS, changes.filter(isOrder).values().map(orderRecord));
    await produce(
      rig.kafka,
      LINES,
      changes
        .filter((one) => !isOrder(one))
        .values()
        .map(lineRecord),
    );
  };
  const beginning = await endsOf(rig, topics);
  await write({ ...backlog, kind: 'seed' });
  const plan = embeddedPlan('embedded');
  await runFicus(rig, { plan, from: null, starts: beginning, events: backlog.keys });
  const starts = await endsOf(rig, topics);
  await write(backlog);
  return { from: plan.collection, documents: Math.ceil(backlog.keys / ROWS), starts };
}
