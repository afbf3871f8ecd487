import type { DocumentKey } from './document.ts';
import type { CanonicalValue, Content } from './field-type.ts';
import { keyText } from './key.ts';
import { advance, type Evidence, isOfBefore, judge, type RowVersion, type Verdict } from './version.ts';

/**
 * Folding change events into a document. A document is a set of versioned rows: its own (`root`) and one for each
 * embedded child. Every row is ordered by its own version, so a child may come before its parent, and a batch is
 * folded in memory by the same rule that a single event follows: compaction cannot change the result.
 */

/** One row with its version. A deleted row stays as a tombstone: `live` false, `content` holds its key fields only. */
export interface StoredRow {
  readonly version: RowVersion | null;
  readonly live: boolean;
  /** Keyed digest of the content; null while it is not wholly known, or when the row is a tombstone. */
  readonly digest: string | null;
  /** Field paths that no event has carried yet (unchanged TOAST columns of a row never seen whole). */
  readonly incomplete: readonly string[];
  /** Only the source can say what the row is: a change could not be read, or two states of it cannot be ordered. */
  readonly doubtful: boolean;
  readonly content: Content;
  /** Values of columns that the plan does not know, by column: reported, and kept until the plan decides. */
  readonly unmapped: Readonly<Record<string, unknown>>;
}

export interface StoredDocument {
  readonly key: DocumentKey;
  /** Counts the document's writes; null: the document does not exist. A write names the revision it was decided on. */
  readonly revision: number | null;
  readonly root: StoredRow | null;
  /** By embed path, then by the text of the child's key. */
  readonly embeds: Readonly<Record<string, Readonly<Record<string, StoredRow>>>>;
  /** Commit time at the source of the newest applied change, in ms since the epoch; null when unknown. */
  readonly committedAt: number | null;
}

/** The new state of one row, as an event, a direct write or a fresh read has it. */
export interface RowChange {
  readonly key: DocumentKey;
  /** Null: the document's own row. */
  readonly embed: { readonly path: string; readonly childKey: DocumentKey } | null;
  readonly evidence: Evidence;
  readonly committedAt: number | null;
  readonly effect:
    | {
        readonly kind: 'upsert';
        /** By field path. A mapped path that is absent was not sent (unchanged TOAST): the stored value stays. */
        readonly content: Content;
        readonly unavailable: readonly string[];
        readonly unmapped: Readonly<Record<string, unknown>>;
      }
    /** `content` holds the key fields. `tiesWin`: see `judge`. */
    | { readonly kind: 'delete'; readonly content: Content; readonly tiesWin: boolean }
    /** The row has changed, and nobody can tell to what. `content` holds the key fields. */
    | { readonly kind: 'unknown'; readonly content: Content };
}

export type Outcome = 'applied' | 'unchanged' | 'stale' | 'recheck';

export interface Folded {
  readonly document: StoredDocument;
  /** One for each change, in order. */
  readonly outcomes: readonly Outcome[];
  /** Is there anything to write? */
  readonly dirty: boolean;
}

/** Digest of a canonical text; a keyed hash, given by the adapter since the core has no cryptography. */
export type Digest = (text: string) => string;

/** Says of a row only that it has changed. @param content holds its key fields. */
export function doubtAbout(
  { key, embed }: Pick<RowChange, 'key' | 'embed'>,
  content: Content,
  epoch: number,
): RowChange {
  return {
    ...{ key, embed, committedAt: null },
    evidence: { kind: 'fresh', epoch },
    effect: { kind: 'unknown', content },
  };
}

/** Must the row be read from the source, since what is stored is not all there, or may not be the newest? */
export function isUnsound(row: StoredRow): boolean {
  return row.doubtful || row.incomplete.length > 0;
}

/**
 * Must the document be read from the source? Children in doubt wait until there is a parent: without one no reader sees
 * them, and no store can be asked for them.
 */
export function needsSource({ root, embeds }: StoredDocument): boolean {
  if (root === null) return false;
  if (isUnsound(root)) return true;
  return root.live && Object.values(embeds).some((rows) => Object.values(rows).some(isUnsound));
}

/**
 * Do changes of a document's own row mean the same whatever content it has now, so that its version alone need be read?
 * Null: they do not; else what the document must be for it.
 */
export function bareCondition(changes: readonly RowChange[]): ((bare: StoredDocument) => boolean) | null {
  let isStreamed = true;
  for (const { effect, evidence } of changes) {
    if (effect.kind === 'unknown' || (effect.kind === 'upsert' && effect.unavailable.length > 0)) return null;
    isStreamed &&= evidence.kind === 'streamed';
  }
  return isStreamed ? always : isNotWritten;
}

function always(): boolean {
  return true;
}

/** What was written directly may stay, and only be marked. */
function isNotWritten({ root }: StoredDocument): boolean {
  return root === null || root.version === null || root.version.written === null;
}

export function emptyDocument(key: DocumentKey): StoredDocument {
  return { key, revision: null, root: null, embeds: {}, committedAt: null };
}

/**
 * Where a table's log ended when changes had been missing from it, by embed path (null: the root), offsets by partition. A
 * later change that leaves a value out does not mean the one that was stored before.
 */
export type Gaps = ReadonlyMap<string | null, ReadonlyMap<number, bigint>>;

export const NO_GAPS: Gaps = new Map();

/** Folds changes of one document, in the order of their log, into its stored state. */
export function fold(
  stored: StoredDocument,
  changes: readonly RowChange[],
  digest: Digest,
  gaps?: Gaps,
): Folded {
  const folding = new Folding(stored, digest, gaps);
  const outcomes = changes.map((change) => folding.apply(change));
  const { document } = folding;
  return { document, outcomes, dirty: document !== stored };
}

/** A fold in progress, change by change: what it costs does not grow with the rows that the document has. */
export class Folding {
  readonly #stored: StoredDocument;
  readonly #digest: Digest;
  readonly #gaps: Gaps;
  /** By embed path: the rows of an embed that has changed; null: none has. */
  #rows: Map<string, Map<string, StoredRow>> | null = null;
  #root: StoredRow | null;
  #committedAt: number | null;
  #isDirty = false;

  constructor(stored: StoredDocument, digest: Digest, gaps = NO_GAPS) {
    this.#stored = stored;
    this.#digest = digest;
    this.#gaps = gaps;
    this.#root = stored.root;
    this.#committedAt = stored.committedAt;
  }

  /** Nothing has changed when it throws. @throws FicusError `version_incomparable`. */
  apply(change: RowChange): Outcome {
    const before = this.#rowOf(change);
    const known = before !== null && this.#isCutOff(before, change) ? { ...before, doubtful: true } : before;
    const { row, outcome } = applyToRow(known, change, this.#digest);
    if (row !== null && row !== known) this.#put(change, row);
    return outcome;
  }

  /** Does the change lean on values that are of before changes were missing? */
  #isCutOff({ version }: StoredRow, { embed, effect, evidence }: RowChange): boolean {
    if (effect.kind !== 'upsert' || effect.unavailable.length === 0 || evidence.kind !== 'streamed')
      return false;
    const { epoch } = evidence;
    if (version !== null && version.epoch < epoch) return true;
    const ends = this.#gaps.get(embed?.path ?? null);
    return (
      ends !== undefined && isOfBefore(version, { epoch, ends }) && !isOfBefore(evidence, { epoch, ends })
    );
  }

  /** The same object as at the beginning when there is nothing to write. */
  get document(): StoredDocument {
    if (!this.#isDirty) return this.#stored;
    const { key, revision, embeds } = this.#stored;
    const own = { key, revision, root: this.#root, committedAt: this.#committedAt };
    if (this.#rows === null) return { ...own, embeds };
    const changed = [...this.#rows].map(([path, rows]) => [path, Object.fromEntries(rows)] as const);
    return { ...own, embeds: { ...embeds, ...Object.fromEntries(changed) } };
  }

  #rowOf({ embed }: RowChange): StoredRow | null {
    if (embed === null) return this.#root;
    const text = keyText(embed.childKey);
    const changed = this.#rows?.get(embed.path);
    if (changed !== undefined) return changed.get(text) ?? null;
    const stored = this.#stored.embeds[embed.path];
    return stored !== undefined && Object.hasOwn(stored, text) ? (stored[text] ?? null) : null;
  }

  #put({ embed, committedAt }: RowChange, row: StoredRow): void {
    this.#isDirty = true;
    this.#committedAt = Math.max(this.#committedAt ?? 0, committedAt ?? 0) || null;
    if (embed === null) {
      this.#root = row;
      return;
    }
    this.#rows ??= new Map();
    const rows = this.#rows.get(embed.path) ?? new Map(Object.entries(this.#stored.embeds[embed.path] ?? {}));
    this.#rows.set(embed.path, rows);
    rows.set(keyText(embed.childKey), row);
  }
}

/** Decides about one row; the same row object comes back when nothing is to be written. */
export function applyToRow(
  before: StoredRow | null,
  change: RowChange,
  digest: Digest,
): { row: StoredRow | null; outcome: Outcome } {
  const { effect, evidence } = change;
  const verdict: Verdict = judge(
    before?.version ?? null,
    evidence,
    effect.kind === 'delete' && effect.tiesWin,
  );
  if (verdict.kind === 'stale') return { row: before, outcome: 'stale' };
  if (effect.kind === 'unknown') {
    const known = before ?? { ...tombstone(effect.content), version: null };
    const row = { ...known, doubtful: true, version: advance(known.version, evidence) };
    return { row, outcome: 'recheck' };
  }
  const after = effect.kind === 'delete' ? tombstone(effect.content) : merged(before, effect, digest);
  const same =
    before !== null && before.live === after.live && after.digest !== null && before.digest === after.digest;
  if (verdict.kind === 'recheck') {
    // The row stays, but what was written directly before the snapshot's row was read must not come over it later.
    const kept = before === null ? null : { ...before, version: advance(before.version, evidence) };
    if (same || kept === null) return { row: kept, outcome: 'unchanged' };
    return { row: { ...kept, doubtful: true }, outcome: 'recheck' };
  }
  // A direct write may be late: what is in doubt can be newer than it.
  const doubtful = evidence.kind === 'direct' && before !== null && before.doubtful;
  const row: StoredRow = { ...after, doubtful, version: advance(before?.version ?? null, evidence) };
  return { row, outcome: same && isSameData(before.unmapped, row.unmapped) ? 'unchanged' : 'applied' };
}

function isSameData(a: StoredRow['unmapped'], b: StoredRow['unmapped']): boolean {
  return (isEmpty(a) && isEmpty(b)) || JSON.stringify(a) === JSON.stringify(b);
}

function isEmpty(data: object): boolean {
  for (const _ in data) return false;
  return true;
}

/**
 * The text that a row's digest is taken of: JSON with the paths in code-point order. One text has one content, since all
 * that a canonical value can be has a JSON of its own.
 */
export function canonicalText(content: Content): string {
  let last = '';
  for (const path in content) {
    if (path < last) return JSON.stringify(sorted(content));
    last = path;
  }
  return JSON.stringify(content);
}

function sorted(content: Content): Content {
  const paths = Object.keys(content).sort();
  return Object.fromEntries(paths.map((path) => [path, content[path] ?? null]));
}

function tombstone(content: Content): Omit<StoredRow, 'version'> {
  return { live: false, digest: null, incomplete: [], doubtful: false, content, unmapped: {} };
}

function merged(
  before: StoredRow | null,
  effect: Extract<RowChange['effect'], { kind: 'upsert' }>,
  digest: Digest,
): Omit<StoredRow, 'version'> {
  // After a delete the row is a new one: nothing of the old may shine through.
  const known = before?.live ? before : null;
  if (effect.unavailable.length === 0) return liveRow(effect.content, [], effect.unmapped, digest);
  const content: Record<string, CanonicalValue> = { ...effect.content };
  const incomplete: string[] = [];
  for (const path of effect.unavailable) {
    const kept = known?.content[path];
    if (kept === undefined || known?.doubtful || known?.incomplete.includes(path)) incomplete.push(path);
    else content[path] = kept;
  }
  return liveRow(content, incomplete, effect.unmapped, digest);
}

function liveRow(
  content: Content,
  incomplete: readonly string[],
  unmapped: StoredRow['unmapped'],
  digest: Digest,
): Omit<StoredRow, 'version'> {
  const known = incomplete.length === 0 ? digest(canonicalText(content)) : null;
  return { live: true, digest: known, incomplete, doubtful: false, content, unmapped };
}
