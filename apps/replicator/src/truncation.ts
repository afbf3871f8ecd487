import { FicusError } from '#core/errors';
import { truncationDoubts } from '#core/mend';
import { forwardGroup, topicsOf } from '#core/plan';
import type { Position } from '#core/version';
import type { LogRecord } from '#debezium/log-record';
import { isPast, type KafkaProgress, type Offsets } from '#kafka/progress';
import type { ApplyContext } from './batch-applier.ts';
import { type DoubtParts, Doubts } from './doubts.ts';

export interface TruncationParts extends DoubtParts {
  readonly progress: KafkaProgress;
  /** Has the connector of a legacy system delivered everything up to there? */
  readonly captured: (system: string, position: Position) => Promise<boolean>;
}

/**
 * Carries a TRUNCATE out. It has no order against changes of rows in other partitions, so it waits until all that the
 * source had committed before it is applied. Then every row of the table that has not changed since is put in doubt,
 * and read from the source: gone, or there again.
 */
export class Truncation {
  readonly #parts: TruncationParts;
  readonly #doubts: Doubts;
  /** Ends of the unit's topics, sampled once the connector had delivered what came before, by the truncate's place. */
  readonly #ends = new Map<string, ReadonlyMap<string, Offsets>>();

  constructor(parts: TruncationParts) {
    this.#parts = parts;
    this.#doubts = new Doubts(parts);
  }

  /** False: not all from before it is applied yet. @throws FicusError when the record is no truncate that can be read. */
  async carryOut(context: ApplyContext, record: LogRecord): Promise<boolean> {
    const { plan, decoder, incarnations } = context;
    const { progress, captured } = this.#parts;
    await decoder.prepare([record], plan);
    const decoded = decoder.decode(record, incarnations.get(record.topic) ?? 1, plan);
    if (decoded.kind !== 'change' || decoded.event.op !== 'truncate' || decoded.event.position === null)
      throw new FicusError(
        'event_unsupported',
        'not a truncate with a position: only a verification can tell',
      );
    const { table, position } = decoded.event;
    const { epoch } = context;
    // Of a database that has been replaced since: every row has been read from the other one.
    if (context.epochOf(record) < epoch) return true;
    const place = `${epoch} ${record.topic}/${record.partition}/${record.offset}`;
    let ends = this.#ends.get(place);
    if (ends === undefined) {
      if (!(await captured(plan.system, position))) return false;
      ends = await progress.endOffsets(topicsOf(plan));
      this.#ends.set(place, ends);
    }
    if (!isPast(await progress.committed(forwardGroup(plan.unit), topicsOf(plan)), ends)) return false;
    await this.#doubts.raise(context, (stored) => truncationDoubts(plan, stored, table, { position, epoch }));
    this.#ends.delete(place);
    return true;
  }
}
