import {
  emptyDocument,
  fold,
  type Gaps,
  needsSource,
  type Outcome,
  type RowChange,
  type StoredDocument,
} from '#core/apply';
import { keyText } from '#core/key';
import { doubtOf, mendingChanges, sweepDoubts } from '#core/mend';
import type { Plan } from '#core/plan';
import { comparePositions, type RowVersion } from '#core/version';
import { LettersModel, type Reading } from './letters.ts';
import type { SourceModel } from './source.ts';

/** Documents decided on and not yet written, as a process holds them that may be killed or overtaken. */
interface Pending {
  readonly writes: Write[];
  /** Kept after the writes and before the offsets. */
  readonly letters: Reading['letters'];
  /** Committed once all is written, unless the lane has another owner by then. */
  readonly offsets: readonly (Place & { readonly lane: string; readonly owner: number })[];
}

/** How many events of a lane are done with, and how often it had been made anew when they were read. */
interface Place {
  readonly next: number;
  readonly made: number;
}

interface Write {
  readonly before: StoredDocument;
  readonly changes: readonly RowChange[];
  /** A change of a log or of the API is decided again on what it meets; a fresh read is given up. */
  readonly isFresh: boolean;
}

/**
 * A model of the replicators and of MongoDB's compare-and-set: batches over any partitions, replays, rebalances with
 * owners that do not know of it yet, crashes between any two writes, direct writes at any time.
 */
export class ConsumerModel {
  readonly documents = new Map<string, StoredDocument>();
  readonly #plan: Plan;
  readonly #source: SourceModel;
  readonly #committed = new Map<string, Place>();
  readonly #owners = new Map<string, number>();
  readonly #letters: LettersModel;
  #pending: Pending[] = [];

  constructor(plan: Plan, source: SourceModel) {
    this.#plan = plan;
    this.#source = source;
    this.#letters = new LettersModel(plan, source.log);
  }

  get lanes(): readonly string[] {
    return [...this.#source.log.lanes.keys()];
  }

  /**
   * Reads and decides, but does not write yet. A lane whose owner has a batch in hand is not read.
   * @param overlooks nobody has noticed yet that a lane was made anew: it is read from where the old one was left.
   */
  take(lanes: readonly number[], count: number, overlooks = false): void {
    const events = [];
    const offsets = [];
    for (const lane of new Set(lanes.map((index) => this.lanes[index % this.lanes.length] ?? ''))) {
      const owner = this.#owners.get(lane) ?? 0;
      if (this.#pending.some((one) => one.offsets.some((of) => of.lane === lane && of.owner === owner)))
        continue;
      const { next, made } = this.#committedIn(lane);
      const isSame = overlooks || made === this.#source.log.made(lane);
      const from = isSame ? next : this.#source.log.before(lane);
      if (from === null) continue;
      const own = (this.#source.log.lanes.get(lane) ?? []).slice(from, from + count);
      events.push(...own);
      offsets.push({
        ...{ lane, owner, next: from + own.length },
        made: isSame ? made : this.#source.log.made(lane),
      });
    }
    const { changes, letters } = this.#letters.read(events);
    const byDocument = Map.groupBy(changes, (change) => keyText(change.key));
    const writes = [...byDocument].map(([text, own]) => ({
      before: this.#documents(text, own[0]?.key ?? []),
      changes: own,
      isFresh: false,
    }));
    this.#pending.push({ writes, letters, offsets });
  }

  /** Writes at most so many documents of something in hand. */
  save(at: number, most: number): void {
    const pending = this.#pending[at % Math.max(1, this.#pending.length)];
    if (pending === undefined) return;
    for (const write of pending.writes.splice(0, most)) this.#write(write);
    if (pending.writes.length > 0) return;
    this.#pending = this.#pending.filter((one) => one !== pending);
    this.#letters.keep(pending.letters);
    for (const { lane, next, made, owner } of pending.offsets)
      if (owner === (this.#owners.get(lane) ?? 0)) this.#committed.set(lane, { next, made });
  }

  #committedIn(lane: string): Place {
    return this.#committed.get(lane) ?? { next: 0, made: this.#source.log.made(lane) };
  }

  crash(): void {
    this.#pending = [];
  }

  /** The lane goes to another member, or back by some records; what its owner has in hand is written all the same. */
  reassign(index: number, back: number): void {
    const lane = this.lanes[index % this.lanes.length] ?? '';
    this.#owners.set(lane, (this.#owners.get(lane) ?? 0) + 1);
    const { next, made } = this.#committedIn(lane);
    this.#committed.set(lane, { next: Math.max(0, next - back), made });
  }

  /** @param again it will come a second time. */
  deliver(at: number, again: boolean): void {
    const { direct } = this.#source;
    const index = at % Math.max(1, direct.length);
    const change = direct[index];
    if (change === undefined) return;
    if (!again) direct.splice(index, 1);
    this.#writeOne(change);
  }

  /** An event of a lane turns out to be one that cannot be read. */
  spoil(index: number, ahead: number, opaque: boolean): void {
    const lane = this.lanes[index % this.lanes.length] ?? '';
    const event = this.#source.log.lanes.get(lane)?.[this.#committedIn(lane).next + ahead];
    if (event !== undefined) this.#letters.spoil(event, opaque);
  }

  /**
   * An operator's order for the dead letter of a row, between two batches; what was bad has been mended for a replay. What
   * that applies leaves its row in doubt, since what came after it may be missing from the log.
   */
  settleLetter(at: number, what: 'replay' | 'discard'): void {
    const { rows } = this.#letters;
    const row = rows[at % Math.max(1, rows.length)];
    if (row === undefined || this.#pending.some(({ letters }) => letters.length > 0)) return;
    const applied = this.#letters.settle(row, what).filter((change) => this.#writeOne(change) !== 'stale');
    for (const change of applied) this.#writeOne(doubtOf(this.#plan, change));
  }

  /** The source is read for a document that wants it; to be written later, if nothing came between. */
  mend(at: number): void {
    const mendable = this.#mendable();
    const one = mendable[at % Math.max(1, mendable.length)];
    if (one !== undefined)
      this.#pending.push({ writes: [{ ...one, isFresh: true }], letters: [], offsets: [] });
  }

  /** Reads on to the end of the log and lets everything come to rest; `lost` direct writes never arrive. */
  settle(lost: boolean): void {
    this.#saveAll();
    if (lost) this.#source.direct.length = 0;
    for (const [index] of this.lanes.entries()) {
      this.take([index], Number.MAX_SAFE_INTEGER);
      this.#saveAll();
    }
    while (this.#source.direct.length > 0) this.deliver(0, false);
    this.#sweep();
    this.#mendAll();
    // Nobody sweeps once more when letters are replayed late.
    this.#settleLetters();
    this.#mendAll();
  }

  #settleLetters(): void {
    for (let at = 0; this.#letters.rows.length > 0; at++)
      this.settleLetter(0, at % 2 === 0 ? 'replay' : 'discard');
  }

  #mendAll(): void {
    for (let open = this.#mendable(); open.length > 0; open = this.#mendable()) {
      for (const one of open) this.#write({ ...one, isFresh: true });
      if (this.#mendable().length >= open.length) throw new Error('mending does not mend');
    }
  }

  /** What was not brought again after the connector has lost its place may be gone. */
  #sweep(): void {
    for (const [path, ends] of this.#gaps()) {
      const table = path === null ? 'parent' : 'child';
      for (const before of [...this.documents.values()]) {
        const changes = sweepDoubts(this.#plan, before, `s.${table}`, {
          ends,
          epoch: this.#source.log.epoch,
        });
        this.#write({ before, changes, isFresh: true });
      }
    }
  }

  #gaps(): Gaps {
    const { ends } = this.#source.log;
    if (ends.size === 0) return new Map();
    const endsOf = (table: string) =>
      new Map(
        [...ends]
          .filter(([lane]) => lane.startsWith(`${table}/`))
          .map(([lane, end]) => [Number(lane.split('/')[1]), end]),
      );
    return new Map([
      [null, endsOf('parent')],
      ['rows', endsOf('child')],
    ]);
  }

  /** Documents of which the source must tell. */
  #mendable(): readonly Pick<Write, 'before' | 'changes'>[] {
    return [...this.documents.values()].filter(needsSource).map((before) => {
      const source = this.#source.document(Number(before.key[0]));
      return { before, changes: mendingChanges(this.#plan, before, source, this.#source.log.epoch) };
    });
  }

  #saveAll(): void {
    while (this.#pending.length > 0) this.save(0, Number.MAX_SAFE_INTEGER);
  }

  #documents(text: string, key: StoredDocument['key']): StoredDocument {
    return this.documents.get(text) ?? emptyDocument(key);
  }

  #writeOne(change: RowChange): Outcome | undefined {
    const before = this.#documents(keyText(change.key), change.key);
    return this.#write({ before, changes: [change], isFresh: false })[0];
  }

  #write({ before, changes, isFresh }: Write): readonly Outcome[] {
    const text = keyText(before.key);
    const stored = this.#documents(text, before.key);
    if (isFresh && stored.revision !== before.revision) return [];
    const { document, dirty, outcomes } = fold(stored, changes, (content) => content, this.#gaps());
    if (!dirty) return outcomes;
    for (const [path, rows] of Object.entries({ root: { root: stored.root }, ...stored.embeds }))
      for (const [key, row] of Object.entries(rows)) {
        const after = path === 'root' ? document.root : document.embeds[path]?.[key];
        assertNoneOlder(row?.version ?? null, after?.version ?? null);
      }
    this.documents.set(text, { ...document, revision: (stored.revision ?? 0) + 1 });
    return outcomes;
  }
}

/** A reader may have a token of anything that was written directly or streamed: it must not be older the next time. */
function assertNoneOlder(before: RowVersion | null, after: RowVersion | null): void {
  if (before === null || before === after || before.epoch < (after?.epoch ?? 0)) return;
  for (const member of ['streamed', 'written'] as const) {
    const was = before[member];
    const is = after?.[member] ?? null;
    if (was !== null && (is === null || comparePositions(is, was) < 0))
      throw new Error(`${member} went from ${was} to ${is}`);
  }
  const { streamed = null } = after ?? {};
  if (streamed !== before.streamed && streamed !== null && before.written !== null)
    if (comparePositions(streamed, before.written) < 0)
      throw new Error(`${streamed} was streamed over ${before.written}, which was written directly`);
  if (before.log !== null && (after?.log?.offset ?? -1n) < before.log.offset)
    throw new Error(`the offset went from ${before.log.offset} to ${after?.log?.offset}`);
}
