import { FicusError, reasonOf } from '#core/errors';
import { causeOf } from '#core/letter';
import type { Plan } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type { DeadLetter, DeadLetterStore, LetterOrder, Parked } from '#core/ports/dead-letters';
import { headerOf, type LogRecord } from '#debezium/log-record';
import type { DeadLetterTopic } from '#kafka/dead-letter-topic';
import type { Logger } from '#observability/log';
import type { ApplyContext, BatchApplier } from './batch-applier.ts';
import { type BatchResult, park } from './tally.ts';
import type { Truncation } from './truncation.ts';

export interface LetterBoxParts {
  readonly applier: BatchApplier;
  readonly deadLetters: DeadLetterStore;
  readonly deadLetterTopic: DeadLetterTopic;
  readonly truncation: Truncation;
  readonly clock: Clock;
  readonly log: Logger;
}

/** A larger value has no room in a document of MongoDB, as base64. */
const MOST_KEPT = 11 * 1024 * 1024;
/** A letter that no plan and no code can mend: to be carried out, or not. */
const TRUNCATED = 'table_truncated';
/** Rows seen to in one round. */
const AT_ONCE = 100;

/**
 * The dead letters of one unit, as its leg sees them: what is put aside with a batch, the rows that wait because of it,
 * and the orders of operators. It is called between batches only, so a row's letters and its records never overtake.
 */
export class LetterBox {
  readonly #unit: string;
  readonly #parts: LetterBoxParts;
  /** Loaded once, whoever asks first: what is parked meanwhile must not be lost to a later answer. */
  #parked: Promise<Map<string, Parked>> | null = null;

  constructor(unit: string, parts: LetterBoxParts) {
    this.#unit = unit;
    this.#parts = parts;
  }

  /** Partitions have changed hands: their rows may have been parked by somebody else. */
  forget(): void {
    this.#parked = null;
  }

  /** Rows whose records must wait, from which place on. */
  async parked(): Promise<ReadonlyMap<string, Parked>> {
    return await this.#loadParked();
  }

  /** Makes durable what a batch could not apply. Answers how many letters are new. */
  async keep({ failures, waiting }: BatchResult, { truncate }: Pick<Plan, 'truncate'>): Promise<number> {
    const { clock, deadLetters, deadLetterTopic, log } = this.#parts;
    if (failures.length + waiting.length === 0) return 0;
    const at = new Date(clock.now()).toISOString();
    const dead = failures.map(({ record, row, epoch, code, reason }) => ({
      ...this.#letter(record, epoch, at),
      ...{ row, state: 'dead' as const, code, reason, cause: causeOf(reason) },
      order: code === TRUNCATED && truncate === 'apply' ? byPlan(at) : null,
    }));
    const heads = new Map<string, Head>(dead.map((one) => [`${one.epoch} ${one.row}`, one]));
    const behind: DeadLetter[] = [];
    for (const { record, row, epoch } of waiting) {
      const name = `${epoch} ${row}`;
      const { code, reason, cause } = heads.get(name) ?? (await this.#headOf(row, epoch));
      heads.set(name, { code, reason, cause });
      behind.push({ ...this.#letter(record, epoch, at), row, state: 'waiting', code, reason, cause });
    }
    const settled = new Set(await deadLetters.add([...dead, ...behind]));
    const fresh = dead.filter(({ id }) => !settled.has(id));
    const parked = await this.#loadParked();
    for (const { row, epoch, offset } of [...fresh, ...behind])
      if (row !== null) park(parked, row, { epoch, offset: BigInt(offset) });
    for (const { topic, partition, offset, code, reason } of fresh)
      log.error({ unit: this.#unit, topic, partition, offset, code }, `dead letter: ${reason}`);
    if (fresh.length > 0) await deadLetterTopic.send(fresh);
    return fresh.length;
  }

  /** Letters of rows that an order or the end of their waiting makes due, one of each row and epoch. */
  async due(): Promise<readonly DeadLetter[]> {
    return await this.#parts.deadLetters.due(this.#unit, AT_ONCE);
  }

  /** Carries out the order of a row's dead letter, or applies what no longer waits for any. */
  async settle(given: ApplyContext, of: DeadLetter): Promise<void> {
    const { applier, deadLetters, log } = this.#parts;
    const letters = await deadLetters.open(of);
    const head = letters.find(({ state }) => state === 'dead');
    if (head !== undefined && head.order === null) return;
    const order = head?.order ?? null;
    if (of.epoch < given.epoch) return await this.#pass(given, letters, order?.what ?? 'replay');
    // Its offset may be another record's by now.
    const context = { ...given, epochOf: () => of.epoch };
    if (head !== undefined && order?.what === 'discard') {
      await applier.doubt(context, recordOf(head));
      await deadLetters.settle([head.id], 'discarded', this.#now());
      log.warn({ unit: this.#unit, letter: head.id, by: order.by }, `discarded: ${order.reason}`);
    }
    if (head?.code === TRUNCATED && order?.what !== 'discard') return await this.#truncate(context, head);
    const rest = order?.what === 'discard' ? letters.filter((letter) => letter !== head) : letters;
    const row = of.row ?? '';
    const parked = new Map([...(await this.parked())].filter(([one]) => one !== row));
    if (head !== undefined && order?.what === 'rehearse')
      return await this.#rehearse({ ...context, parked }, head, rest);
    if (await this.#replay({ ...context, parked }, rest)) await this.#unpark(of);
  }

  /**
   * What an epoch before the one in force had for a row says nothing any more, and may be of before the row was deleted. So
   * it is not applied: the row is left in doubt, and the source tells.
   */
  async #pass(
    { epoch, ...given }: ApplyContext,
    letters: readonly DeadLetter[],
    what: LetterOrder['what'],
  ): Promise<void> {
    const { applier, deadLetters } = this.#parts;
    const [first] = letters;
    if (first === undefined) return;
    // A truncate concerned rows that have all been read again since.
    const some = letters.filter(({ code }) => code !== TRUNCATED);
    if (what === 'rehearse') {
      const outcomes = { applied: 0, unchanged: 0, stale: 0, recheck: some.length };
      const head = letters.find(({ order }) => order !== null) ?? first;
      return await deadLetters.rehearsed(head.id, { at: this.#now(), outcomes, failure: null });
    }
    const context = { ...given, epoch, epochOf: () => epoch };
    for (const letter of some) await applier.doubt(context, recordOf(letter));
    const state = what === 'discard' ? 'discarded' : 'replayed';
    await deadLetters.settle(
      letters.map(({ id }) => id),
      state,
      this.#now(),
    );
    await this.#unpark(first);
  }

  async #unpark({ row, epoch }: Pick<DeadLetter, 'row' | 'epoch'>): Promise<void> {
    const parked = await this.#loadParked();
    if (row !== null && parked.get(row)?.epoch === epoch) parked.delete(row);
  }

  /** Why the row waits. A letter whose head has been settled meanwhile waits for nothing but its turn. */
  async #headOf(row: string, epoch: number): Promise<Head> {
    const [head] = await this.#parts.deadLetters.open({ id: '', unit: this.#unit, row, epoch });
    const reason = 'waits for its turn';
    return head ?? { code: 'event_unsupported', reason, cause: reason };
  }

  async #loadParked(): Promise<Map<string, Parked>> {
    this.#parked ??= this.#parts.deadLetters.rows(this.#unit).then((rows) => new Map(rows));
    try {
      return await this.#parked;
    } catch (error) {
      this.#parked = null;
      throw error;
    }
  }

  /** A truncate has no row, and nothing waits behind it. */
  async #truncate(context: ApplyContext, letter: DeadLetter): Promise<void> {
    const { truncation, deadLetters } = this.#parts;
    if (letter.order?.what === 'rehearse') {
      const outcomes = { applied: 0, unchanged: 0, stale: 0, recheck: 0 };
      return await deadLetters.rehearsed(letter.id, { at: this.#now(), outcomes, failure: null });
    }
    try {
      if (await truncation.carryOut(context, recordOf(letter)))
        await deadLetters.settle([letter.id], 'replayed', this.#now());
    } catch (error) {
      if (!(error instanceof FicusError) || error.retryable) throw error;
      const reason = reasonOf(error);
      await deadLetters.fail(letter.id, { code: error.code, reason, cause: causeOf(reason) });
    }
  }

  async #rehearse(context: ApplyContext, head: DeadLetter, letters: readonly DeadLetter[]): Promise<void> {
    const { applier, deadLetters } = this.#parts;
    const { kept, failure } = keptOf(letters);
    const result = await applier.rehearse(context, kept.map(recordOf));
    const failed = result.failures[0]?.reason ?? failure?.reason ?? null;
    await deadLetters.rehearsed(head.id, { at: this.#now(), outcomes: result.outcomes, failure: failed });
  }

  /**
   * Applies letters in their order. The row is in doubt then, and the source tells: what came after them may be missing
   * from the log, as the delete of a row that was made anew from a snapshot.
   * @returns whether nothing of the row is open any more.
   */
  async #replay(context: ApplyContext, letters: readonly DeadLetter[]): Promise<boolean> {
    const { applier, deadLetters } = this.#parts;
    const { kept, failure } = keptOf(letters);
    const { failures, waiting } = await applier.apply({ ...context, leavesDoubt: true }, kept.map(recordOf));
    // By the place: a letter that is older than the epochs in the ids has none in its own.
    const at = ({ topic, partition, offset }: LogRecord): readonly string[] =>
      kept
        .filter((one) => one.topic === topic && one.partition === partition && BigInt(one.offset) === offset)
        .map(({ id }) => id);
    const failed: { readonly id: string; readonly code: string; readonly reason: string }[] =
      failures.flatMap(({ record, code, reason }) => at(record).map((id) => ({ id, code, reason })));
    if (failed.length === 0 && failure !== null) failed.push(failure);
    const open = new Set([...failed.map(({ id }) => id), ...waiting.flatMap(({ record }) => at(record))]);
    const done = kept.map(({ id }) => id).filter((id) => !open.has(id));
    await deadLetters.settle(done, 'replayed', this.#now());
    for (const { id, code, reason } of failed)
      await deadLetters.fail(id, { code, reason, cause: causeOf(reason) });
    return done.length === letters.length;
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }

  #letter(
    record: LogRecord,
    epoch: number,
    at: string,
  ): Omit<DeadLetter, 'row' | 'state' | 'code' | 'reason' | 'cause'> {
    const { topic, partition, offset, key, value } = record;
    const headers = storedHeaders(record);
    const isKept = value === null || value.length <= MOST_KEPT;
    return {
      id: idOf(record, epoch),
      unit: this.#unit,
      ...{ topic, partition, offset: String(offset), epoch, at },
      key: key?.toString('base64') ?? null,
      value: isKept ? (value?.toString('base64') ?? null) : null,
      ...(headers.length === 0 ? {} : { headers }),
      omitted: isKept ? null : value.length,
      ...{ order: null, rehearsal: null, settledAt: null },
    };
  }
}

function byPlan(at: string): LetterOrder {
  return { what: 'replay', reason: 'the plan has truncates applied', by: 'plan', at };
}

type Head = Pick<DeadLetter, 'code' | 'reason' | 'cause'>;

/** The letters up to the first whose value was not kept. */
function keptOf(letters: readonly DeadLetter[]): {
  readonly kept: readonly DeadLetter[];
  readonly failure: { readonly id: string; readonly code: string; readonly reason: string } | null;
} {
  const lost = letters.findIndex(({ omitted }) => omitted !== null);
  const letter = letters[lost];
  if (letter === undefined) return { kept: letters, failure: null };
  const reason = `its value of ${letter.omitted} bytes was too large to be kept; discard it, and the row is read from the source`;
  return { kept: letters.slice(0, lost), failure: { id: letter.id, code: 'event_unsupported', reason } };
}

/** A topic that was made anew, which opens an epoch, has the same offsets again. */
function idOf({ topic, partition, offset }: LogRecord, epoch: number): string {
  return `${topic}/${partition}/${offset}${epoch > 1 ? `/${epoch}` : ''}`;
}

function storedHeaders(record: LogRecord): NonNullable<DeadLetter['headers']> {
  return Object.keys(record.headers ?? {}).map((name) => ({
    name,
    value: headerOf(record, name)?.toString('base64') ?? '',
  }));
}

function recordOf({ topic, partition, offset, key, value, headers = [] }: DeadLetter): LogRecord {
  return {
    ...{ topic, partition, offset: BigInt(offset) },
    key: key === null ? null : Buffer.from(key, 'base64'),
    value: value === null ? null : Buffer.from(value, 'base64'),
    headers: Object.fromEntries(headers.map((one) => [one.name, Buffer.from(one.value, 'base64')])),
  };
}
