import { type Digest, Folding } from '#core/apply';
import type { DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { truncationDoubts } from '#core/mend';
import { forwardGroup, topicsOf } from '#core/plan';
import type { DocumentStore, DocumentWrite } from '#core/ports/document-store';
import type { Position } from '#core/version';
import type { LogRecord } from '#debezium/log-record';
import { isPast, type KafkaProgress, type Offsets } from '#kafka/progress';
import type { ApplyContext } from './batch-applier.ts';

export interface TruncationParts {
  readonly documents: DocumentStore;
  readonly digest: Digest;
  readonly progress: KafkaProgress;
  /** Has the connector of a legacy system delivered everything up to there? */
  readonly captured: (system: string, position: Position) => Promise<boolean>;
}

/** Documents looked at together. */
const BATCH = 500;

/**
 * Carries a TRUNCATE out. It has no order against changes of rows in other partitions, so it waits until all that the
 * source had committed before it is applied. Then every row of the table that has not changed since is put in doubt,
 * and read from the source: gone, or there again.
 */
export class Truncation {
  readonly #parts: TruncationParts;
  /** Ends of the unit's topics, sampled once the connector had delivered what came before, by the truncate's place. */
  readonly #ends = new Map<string, ReadonlyMap<string, Offsets>>();

  constructor(parts: TruncationParts) {
    this.#parts = parts;
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
    const place = `${record.topic}/${record.partition}/${record.offset}`;
    let ends = this.#ends.get(place);
    if (ends === undefined) {
      if (!(await captured(plan.system, position))) return false;
      ends = await progress.endOffsets(topicsOf(plan));
      this.#ends.set(place, ends);
    }
    if (!isPast(await progress.committed(forwardGroup(plan.unit), topicsOf(plan)), ends)) return false;
    await this.#doubtAll(context, table, position);
    this.#ends.delete(place);
    return true;
  }

  async #doubtAll(context: ApplyContext, table: string, position: Position): Promise<void> {
    const { plan } = context;
    let after: DocumentKey | null = null;
    for (;;) {
      const keys: readonly DocumentKey[] = await this.#parts.documents.keysAfter(plan, after, BATCH);
      const last = keys.at(-1);
      if (last === undefined) return;
      let open: readonly DocumentKey[] = keys;
      while (open.length > 0) open = await this.#doubt(context, open, { table, position });
      after = last;
    }
  }

  /** Answers the documents that another writer was faster on. */
  async #doubt(
    { plan, epoch, term, isCurrent }: ApplyContext,
    keys: readonly DocumentKey[],
    { table, position }: { readonly table: string; readonly position: Position },
  ): Promise<readonly DocumentKey[]> {
    const { documents, digest } = this.#parts;
    const writes: DocumentWrite[] = [];
    for (const before of await documents.load(plan, keys)) {
      const folding = new Folding(before, digest);
      for (const change of truncationDoubts(plan, before, table, { position, epoch })) folding.apply(change);
      if (folding.document !== before) writes.push({ before, after: folding.document });
    }
    const { conflicts, rejected } = await documents.save(plan, term, writes);
    const [first] = rejected;
    if (first !== undefined && !(await isCurrent()))
      throw new FicusError('state_conflict', `${plan.unit} has moved on under the truncate`, {
        retryable: true,
      });
    if (first !== undefined)
      throw new FicusError('value_invalid', `MongoDB refused a document: ${first.reason}`);
    return conflicts.map(({ before }) => before.key);
  }
}
