import {
  bareCondition,
  type Digest,
  emptyDocument,
  Folding,
  type Gaps,
  NO_GAPS,
  type Outcome,
  type RowChange,
  type StoredDocument,
} from '#core/apply';
import { assert, FicusError } from '#core/errors';
import { keyText } from '#core/key';
import { doubtOf } from '#core/mend';
import type { Parked } from '#core/ports/dead-letters';
import type { DocumentStore, DocumentWrite, Wanted } from '#core/ports/document-store';
import type { LogRecord } from '#debezium/log-record';
import { byDocument, doubts, type ReadingContext, readBatch, rowOf, type Work } from './batch-reader.ts';
import { KeyedApplier, type KeyedPath } from './keyed-applier.ts';
import { type BatchResult, Tally } from './tally.ts';

/** The unit's state under which a batch is applied. */
export interface ApplyContext extends ReadingContext {
  readonly term: number;
  /** The one in force. */
  readonly epoch: number;
  /** Rows that have an open dead letter, with the place from which on their records wait. */
  readonly parked: ReadonlyMap<string, Parked>;
  /** Documents of a transaction, where their versions alone are read. */
  readonly together?: number;
  /** Where changes are missing from the unit's log; asked once the records are there, if one of them leaves values out. */
  readonly gaps?: () => Promise<Gaps>;
  /** Leave rows in doubt that a record is applied to: the log need not have all that came after it. */
  readonly leavesDoubt?: boolean;
  /** The unit's term as it stands in the control database now. */
  readonly isCurrent: () => Promise<boolean>;
}

/** With what the batch needs to know besides. */
interface Settling extends ApplyContext {
  readonly missing: Gaps;
}

/** How often a document may lose the race for its revision before the batch is given back to the log. */
const MAX_ROUNDS = 20;
/** Rounds in which all documents are tried together. */
const JOINT_ROUNDS = 3;
/** From so many documents on, transactions take less time than conditions. */
const MANY = 32;
/** Documents of one transaction that are read whole, and transactions at once. */
const TOGETHER = 1_000;
const IN_FLIGHT = 3;
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
  readonly #keyed: KeyedPath;

  /** @param keyed applies large batches as far as keys are enough for it: here, unless given. */
  constructor(
    documents: DocumentStore,
    digest: Digest,
    keyed: KeyedPath = new KeyedApplier(documents, digest),
  ) {
    this.#documents = documents;
    this.#digest = digest;
    this.#keyed = keyed;
  }

  /** @throws FicusError retryable: the same batch must come again; what was written of it is harmless to repeat. */
  async apply(context: ApplyContext, records: readonly LogRecord[]): Promise<BatchResult> {
    const result = await this.#begin(context, records);
    const left = await this.#byKeys(context, records, result);
    const works = readBatch(context, left, result);
    await this.#settle(await settling(context, works), works, result);
    return result;
  }

  /** Applies what the records' keys are enough for; answers the others. */
  async #byKeys(
    context: ApplyContext,
    records: readonly LogRecord[],
    result: Tally,
  ): Promise<readonly LogRecord[]> {
    if (records.length < MANY || needsWhole(context) || !result.isClear) return records;
    const { counted, left } = await this.#keyed.apply(context, records, context.together ?? TOGETHER);
    result.add(counted);
    return left;
  }

  /** What `apply` would do now, as far as it can be told without writing. */
  async rehearse(context: ApplyContext, records: readonly LogRecord[]): Promise<BatchResult> {
    const result = await this.#begin(context, records);
    const works = readBatch(context, records, result);
    for (const { outcomes, failures } of (
      await this.#decide(await settling(context, works), works)
    ).values()) {
      result.count(outcomes);
      for (const [record, error] of failures) result.failed(record, error);
    }
    return result;
  }

  /** Leaves the rows of a record that nobody will apply in doubt, so that they are read from the source. */
  async doubt(context: ApplyContext, record: LogRecord): Promise<void> {
    const result = await this.#begin({ ...context, parked: new Map() }, [record]);
    const works = byDocument(doubts(context, record));
    await this.#settle(await settling(context, works), works, result);
  }

  /** Makes ready what reading the records needs. */
  async #begin(context: ApplyContext, records: readonly LogRecord[]): Promise<Tally> {
    await context.decoder.prepare(records, context.plan);
    const { parked, epochOf } = context;
    return new Tally(parked, { rowOf: (record) => rowOf(context, record), epochOf });
  }

  async #settle(context: Settling, works: readonly Work[], result: Tally): Promise<void> {
    let open = works.length < MANY ? works : await this.#exchange(context, works, result);
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

  /** The whole in a few transactions; answers the documents of those that did not go through. */
  async #exchange(context: Settling, works: readonly Work[], result: Tally): Promise<readonly Work[]> {
    const open: Work[] = [];
    const asked = works.map((work): Asked => ({ work, wanted: wantedFor(context, work) }));
    const wholes = asked.some(({ wanted }) => wanted.doesBare === undefined);
    const together = wholes ? TOGETHER : (context.together ?? TOGETHER);
    const chunks = Array.from({ length: Math.ceil(asked.length / together) }, (_, at) =>
      asked.slice(at * together, (at + 1) * together),
    );
    const next = async (): Promise<void> => {
      for (let chunk = chunks.pop(); chunk !== undefined; chunk = chunks.pop())
        open.push(...(await this.#exchangeSome(context, chunk, result)));
    };
    await Promise.all(Array.from({ length: IN_FLIGHT }, next));
    return open;
  }

  async #exchangeSome(context: Settling, asked: readonly Asked[], result: Tally): Promise<readonly Work[]> {
    const { plan, term } = context;
    const works = asked.map(({ work }) => work);
    const wanted = asked.map((one) => one.wanted);
    let decided: readonly Decision[] = [];
    const outcome = await this.#documents.exchange(plan, term, wanted, (stored) => {
      decided = works.map((work, at) => this.#fold(context, stored[at] ?? emptyDocument(work.key), work));
      // What leaves a row in doubt must know it whole.
      return decided.flatMap(({ write, failures }) => (failures.length === 0 ? (write ?? []) : []));
    });
    if (outcome !== 'done') return works;
    for (const { failures, outcomes } of decided) if (failures.length === 0) result.count(outcomes);
    return decided.filter(({ failures }) => failures.length > 0).map(({ work }) => work);
  }

  /**
   * Each document by itself: from reading to writing it is a short way then, so that another writer's steady batches
   * do not win every time.
   */
  async #alone(context: Settling, works: readonly Work[], result: Tally): Promise<Work[]> {
    const open: Work[] = [];
    for (let at = 0; at < works.length; at += AT_ONCE) {
      const some = works.slice(at, at + AT_ONCE);
      open.push(...(await Promise.all(some.map((work) => this.#round(context, [work], result)))).flat());
    }
    return open;
  }

  async #decide(context: Settling, works: readonly Work[]): Promise<Map<string, Decision>> {
    const stored = await this.#documents.load(
      context.plan,
      works.map((work) => work.key),
    );
    const decided = works.map((work, index): [string, Decision] => {
      const before = stored[index];
      assert(before !== undefined, 'load answers one document a key');
      return [keyText(work.key), this.#fold(context, before, work)];
    });
    return new Map(decided);
  }

  /** Decides and writes once; answers the documents that another writer was faster on. */
  async #round(context: Settling, works: readonly Work[], result: Tally): Promise<Work[]> {
    const decided = await this.#decide(context, works);
    const writes = [...decided.values()].flatMap(({ write }) => write ?? []);
    const { conflicts, rejected } = await this.#documents.save(context.plan, context.term, writes);
    if (rejected.length > 0) await this.#confirmCurrent(context);
    const again = new Set(conflicts.map((write) => keyText(write.before.key)));
    for (const { write, reason } of rejected) {
      const refused = decided.get(keyText(write.before.key))?.work;
      decided.delete(keyText(write.before.key));
      if (refused !== undefined) await this.#oneByOne(context, refused, reason, result);
    }
    const open: Work[] = [];
    for (const [text, { work, outcomes, failures, waiting }] of decided) {
      if (again.has(text)) {
        open.push(work);
        continue;
      }
      result.count(outcomes);
      for (const [record, error] of failures) result.failed(record, error);
      for (const record of waiting) result.wait(record);
    }
    return open;
  }

  /** A refused document may hold good changes beside the bad one: each is tried by itself, in order. */
  async #oneByOne(context: Settling, { key, changes }: Work, reason: string, result: Tally): Promise<void> {
    const [first, ...rest] = changes;
    if (first === undefined) return;
    if (rest.length > 0) {
      for (const change of changes) {
        const waits = result.mustWait(change.record);
        if (waits) result.wait(change.record);
        const item = waits ? { ...change, change: doubtOf(context.plan, change.change) } : change;
        await this.#settle(context, [{ key, changes: [item] }], result);
      }
      return;
    }
    // Where not even the doubt can be written, the document stays as it is.
    if (first.change.effect.kind === 'unknown') return;
    result.failed(first.record, new FicusError('value_invalid', `MongoDB refused the document: ${reason}`));
    const doubt = { ...first, change: doubtOf(context.plan, first.change) };
    await this.#settle(context, [{ key, changes: [doubt] }], result);
  }

  /** The fence refuses a writer of an older term, the schema one of an older plan: no fault of the documents. */
  async #confirmCurrent({ plan, isCurrent }: ApplyContext): Promise<void> {
    if (await isCurrent()) return;
    throw new FicusError('state_conflict', `${plan.unit} has moved on under the batch`, { retryable: true });
  }

  #fold(context: Settling, before: StoredDocument, work: Work): Decision {
    const folding = new Folding(before, this.#digest, context.missing);
    const outcomes: Outcome[] = [];
    const failures: [LogRecord, unknown][] = [];
    const waiting: LogRecord[] = [];
    const told: RowChange[] = [];
    let failed: Set<string> | null = null;
    for (const { change, record } of work.changes) {
      const row = failed === null ? null : rowOf(context, record);
      if (row !== null && failed?.has(row)) {
        waiting.push(record);
        folding.apply(doubtOf(context.plan, change));
        continue;
      }
      try {
        const outcome = folding.apply(change);
        outcomes.push(outcome);
        if (context.leavesDoubt === true && outcome !== 'stale') told.push(change);
      } catch (error) {
        failures.push([record, error]);
        const name = rowOf(context, record);
        failed ??= new Set();
        if (name !== null) failed.add(name);
        folding.apply(doubtOf(context.plan, change));
      }
    }
    for (const change of told) folding.apply(doubtOf(context.plan, change));
    const after = folding.document;
    return { work, outcomes, failures, waiting, write: after === before ? null : { before, after } };
  }
}

async function settling(context: ApplyContext, works: readonly Work[]): Promise<Settling> {
  const leavesOut = works.some(({ changes }) =>
    changes.some(({ change: { effect } }) => effect.kind === 'upsert' && effect.unavailable.length > 0),
  );
  return { ...context, missing: leavesOut ? ((await context.gaps?.()) ?? NO_GAPS) : NO_GAPS };
}

/** Is what is stored of a document needed whole? With rows of other tables it is, and where a row is left in doubt. */
function needsWhole({ plan, leavesDoubt }: ApplyContext): boolean {
  return plan.embeds.length > 0 || leavesDoubt === true;
}

function wantedFor(context: ApplyContext, { key, changes }: Work): Wanted {
  const doesBare = needsWhole(context) ? null : bareCondition(changes.map(({ change }) => change));
  return doesBare === null ? { key } : { key, doesBare };
}

/** A work with what must be read for it. */
interface Asked {
  readonly work: Work;
  readonly wanted: Wanted;
}

interface Decision {
  readonly work: Work;
  readonly outcomes: readonly Outcome[];
  readonly failures: readonly (readonly [LogRecord, unknown])[];
  readonly waiting: readonly LogRecord[];
  /** Null: there is nothing to write. */
  readonly write: DocumentWrite | null;
}
