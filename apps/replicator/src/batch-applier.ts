import { type Digest, Folding, type Outcome, type RowChange, type StoredDocument } from '#core/apply';
import { interpretEvent } from '#core/change-event';
import type { DocumentKey } from '#core/document';
import { assert, type ErrorCode, FicusError, reasonOf } from '#core/errors';
import { keyText } from '#core/key';
import type { Plan } from '#core/plan';
import type { DocumentStore, DocumentWrite } from '#core/ports/document-store';
import type { RecordDecoder } from '#debezium/decoder';
import type { LogRecord } from '#debezium/log-record';
import { decodeValue } from '#debezium/value';

/** The unit's state under which a batch is applied. */
export interface ApplyContext {
  readonly plan: Plan;
  /** Of the unit's system. */
  readonly decoder: RecordDecoder;
  readonly epoch: number;
  readonly term: number;
  /** By topic; every topic of the batch is in it. */
  readonly incarnations: ReadonlyMap<string, number>;
  /** The unit's term as it stands in the control database now. */
  readonly isCurrent: () => Promise<boolean>;
}

export interface Failure {
  readonly record: LogRecord;
  readonly code: ErrorCode;
  readonly reason: string;
}

export interface BatchResult {
  /** One for each row change. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Records that cannot be applied as they are; the caller must make them durable before it commits the offset. */
  readonly failures: readonly Failure[];
  /** Sightings by `table` and column, with the first record that carried it. */
  readonly unknown: ReadonlyMap<string, { table: string; column: string; count: number; record: LogRecord }>;
  /** Snapshot rows by table. */
  readonly snapshotRows: ReadonlyMap<string, number>;
  /** Commit times at the source of the streamed changes, ms since the epoch. */
  readonly committedAt: readonly number[];
}

interface Work {
  readonly key: DocumentKey;
  readonly changes: { change: RowChange; record: LogRecord }[];
}

/** How often a document may lose the race for its revision before the batch is given back to the log. */
const MAX_ROUNDS = 20;
/** Rounds in which all documents are tried together. */
const JOINT_ROUNDS = 3;
/** Documents that are tried side by side after that. */
const AT_ONCE = 16;

/**
 * Applies records of one unit, in log order within each partition. Changes are grouped by document and folded in
 * memory in that order, so a document is written once a batch, whatever the number of its events; writers of one
 * document meet on its revision.
 */
export class BatchApplier {
  readonly #documents: DocumentStore;
  readonly #digest: Digest;

  constructor(documents: DocumentStore, digest: Digest) {
    this.#documents = documents;
    this.#digest = digest;
  }

  /** @throws FicusError retryable: the same batch must come again; what was written of it is harmless to repeat. */
  async apply(context: ApplyContext, records: readonly LogRecord[]): Promise<BatchResult> {
    const result = new Tally();
    await context.decoder.prepare(records, context.plan);
    await this.#settle(context, this.#interpret(context, records, result), result);
    return result;
  }

  async #settle(context: ApplyContext, works: readonly Work[], result: Tally): Promise<void> {
    let open = works;
    for (let round = 0; open.length > 0; round++) {
      if (round === MAX_ROUNDS) {
        throw new FicusError(
          'state_conflict',
          `${open.length} documents of ${context.plan.collection} changed under every try`,
          { retryable: true },
        );
      }
      open =
        round < JOINT_ROUNDS
          ? await this.#round(context, open, result)
          : await this.#alone(context, open, result);
    }
  }

  /**
   * Each document by itself: from reading to writing it is a short way then, so that another writer's steady batches
   * do not win every time.
   */
  async #alone(context: ApplyContext, works: readonly Work[], result: Tally): Promise<Work[]> {
    const open: Work[] = [];
    for (let at = 0; at < works.length; at += AT_ONCE) {
      const some = works.slice(at, at + AT_ONCE);
      open.push(...(await Promise.all(some.map((work) => this.#round(context, [work], result)))).flat());
    }
    return open;
  }

  #interpret(context: ApplyContext, records: readonly LogRecord[], result: Tally): Work[] {
    const works = new Map<string, Work>();
    for (const record of records) {
      try {
        const incarnation = context.incarnations.get(record.topic) ?? 1;
        const decoded = context.decoder.decode(record, incarnation, context.plan);
        if (decoded.kind !== 'change') continue;
        const { changes, unknownColumns } = interpretEvent(
          context.plan,
          decoded.event,
          context.epoch,
          decodeValue,
        );
        for (const column of unknownColumns) result.sighted(decoded.event.table, column, record);
        if (decoded.event.op === 'read') result.readRow(decoded.event.table);
        else if (decoded.event.committedAt !== null) result.committedAt.push(decoded.event.committedAt);
        for (const change of changes) {
          const text = keyText(change.key);
          const work = works.get(text) ?? { key: change.key, changes: [] };
          work.changes.push({ change, record });
          works.set(text, work);
        }
      } catch (error) {
        result.failed(record, error);
      }
    }
    return [...works.values()];
  }

  /** Decides and writes once; answers the documents that another writer was faster on. */
  async #round(context: ApplyContext, works: readonly Work[], result: Tally): Promise<Work[]> {
    const { plan, term } = context;
    const stored = await this.#documents.load(
      plan,
      works.map((work) => work.key),
    );
    const writes: DocumentWrite[] = [];
    const decided = new Map<string, { work: Work; outcomes: Outcome[]; failures: [LogRecord, unknown][] }>();
    for (const [index, work] of works.entries()) {
      const before = stored[index];
      assert(before !== undefined, 'load answers one document a key');
      const { after, outcomes, failures } = this.#fold(before, work);
      decided.set(keyText(work.key), { work, outcomes, failures });
      if (after !== before) writes.push({ before, after });
    }
    const { conflicts, rejected } = await this.#documents.save(plan, term, writes);
    if (rejected.length > 0) await this.#confirmCurrent(context);
    const again = new Set(conflicts.map((write) => keyText(write.before.key)));
    for (const { write, reason } of rejected) {
      const refused = decided.get(keyText(write.before.key))?.work;
      decided.delete(keyText(write.before.key));
      if (refused !== undefined) await this.#oneByOne(context, refused, reason, result);
    }
    const open: Work[] = [];
    for (const [text, { work, outcomes, failures }] of decided) {
      if (again.has(text)) {
        open.push(work);
        continue;
      }
      result.count(outcomes);
      for (const [record, error] of failures) result.failed(record, error);
    }
    return open;
  }

  /** A refused document may hold good changes beside the bad one: each is tried by itself, in order. */
  async #oneByOne(
    context: ApplyContext,
    { key, changes }: Work,
    reason: string,
    result: Tally,
  ): Promise<void> {
    const [first, ...rest] = changes;
    if (first !== undefined && rest.length === 0) {
      result.failed(first.record, new FicusError('value_invalid', `MongoDB refused the document: ${reason}`));
      return;
    }
    for (const change of changes) await this.#settle(context, [{ key, changes: [change] }], result);
  }

  /** The fence refuses a writer of an older term, the schema one of an older plan: no fault of the documents. */
  async #confirmCurrent({ plan, isCurrent }: ApplyContext): Promise<void> {
    if (await isCurrent()) return;
    throw new FicusError('state_conflict', `${plan.unit} has moved on under the batch`, { retryable: true });
  }

  #fold(
    before: StoredDocument,
    work: Work,
  ): { after: StoredDocument; outcomes: Outcome[]; failures: [LogRecord, unknown][] } {
    const folding = new Folding(before, this.#digest);
    const outcomes: Outcome[] = [];
    const failures: [LogRecord, unknown][] = [];
    for (const { change, record } of work.changes) {
      try {
        outcomes.push(folding.apply(change));
      } catch (error) {
        failures.push([record, error]);
      }
    }
    return { after: folding.document, outcomes, failures };
  }
}

class Tally implements BatchResult {
  readonly outcomes: Record<Outcome, number> = { applied: 0, unchanged: 0, stale: 0, recheck: 0 };
  readonly failures: Failure[] = [];
  readonly unknown = new Map<string, { table: string; column: string; count: number; record: LogRecord }>();
  readonly snapshotRows = new Map<string, number>();
  readonly committedAt: number[] = [];

  count(outcomes: readonly Outcome[]): void {
    for (const outcome of outcomes) this.outcomes[outcome]++;
  }

  sighted(table: string, column: string, record: LogRecord): void {
    const known = this.unknown.get(`${table}.${column}`);
    if (known === undefined) this.unknown.set(`${table}.${column}`, { table, column, count: 1, record });
    else known.count++;
  }

  readRow(table: string): void {
    this.snapshotRows.set(table, (this.snapshotRows.get(table) ?? 0) + 1);
  }

  /** Only what is wrong with the record itself is a failure of the record; anything else fails the batch. */
  failed(record: LogRecord, error: unknown): void {
    if (!(error instanceof FicusError) || error.retryable) throw error;
    if (this.failures.some((failure) => failure.record === record)) return;
    this.failures.push({ record, code: error.code, reason: reasonOf(error) });
  }
}
