import type { DocumentKey } from './document.ts';
import type { CanonicalValue, Content } from './field-type.ts';
import { keyText } from './key.ts';
import { advance, type Evidence, judge, type RowVersion, type Verdict } from './version.ts';

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
    | { readonly kind: 'delete'; readonly content: Content; readonly tiesWin: boolean };
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

export function emptyDocument(key: DocumentKey): StoredDocument {
  return { key, revision: null, root: null, embeds: {}, committedAt: null };
}

/** Folds changes of one document, in the order of their log, into its stored state. */
export function fold(stored: StoredDocument, changes: readonly RowChange[], digest: Digest): Folded {
  let document = stored;
  const outcomes: Outcome[] = [];
  for (const change of changes) {
    const before = rowOf(document, change);
    const { row, outcome } = applyToRow(before, change, digest);
    outcomes.push(outcome);
    if (row !== before) document = withRow(document, change, row);
  }
  return { document, outcomes, dirty: document !== stored };
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
  const after = effect.kind === 'delete' ? tombstone(effect.content) : merged(before, effect, digest);
  const same =
    before !== null && before.live === after.live && after.digest !== null && before.digest === after.digest;
  if (verdict.kind === 'recheck') return { row: before, outcome: same ? 'unchanged' : 'recheck' };
  const row: StoredRow = { ...after, version: advance(before?.version ?? null, evidence) };
  const sameUnmapped = before !== null && JSON.stringify(before.unmapped) === JSON.stringify(row.unmapped);
  return { row, outcome: same && sameUnmapped ? 'unchanged' : 'applied' };
}

/** The text that a row's digest is taken of: its content by path, in code-point order of the paths. */
export function canonicalText(content: Content): string {
  const paths = Object.keys(content).sort();
  return JSON.stringify(paths.map((path): [string, CanonicalValue] => [path, content[path] ?? null]));
}

function tombstone(content: Content): Omit<StoredRow, 'version'> {
  return { live: false, digest: null, incomplete: [], content, unmapped: {} };
}

function merged(
  before: StoredRow | null,
  effect: Extract<RowChange['effect'], { kind: 'upsert' }>,
  digest: Digest,
): Omit<StoredRow, 'version'> {
  // After a delete the row is a new one: nothing of the old may shine through.
  const known = before?.live ? before : null;
  const content: Record<string, CanonicalValue> = { ...effect.content };
  const incomplete: string[] = [];
  for (const path of effect.unavailable) {
    const kept = known?.content[path];
    if (kept === undefined || known?.incomplete.includes(path)) incomplete.push(path);
    else content[path] = kept;
  }
  return {
    live: true,
    digest: incomplete.length === 0 ? digest(canonicalText(content)) : null,
    incomplete,
    content,
    unmapped: effect.unmapped,
  };
}

function rowOf(document: StoredDocument, change: RowChange): StoredRow | null {
  if (change.embed === null) return document.root;
  return document.embeds[change.embed.path]?.[keyText(change.embed.childKey)] ?? null;
}

function withRow(document: StoredDocument, change: RowChange, row: StoredRow | null): StoredDocument {
  if (row === null) return document;
  const committedAt = Math.max(document.committedAt ?? 0, change.committedAt ?? 0) || null;
  if (change.embed === null) return { ...document, root: row, committedAt };
  const { path, childKey } = change.embed;
  const rows = { ...document.embeds[path], [keyText(childKey)]: row };
  return { ...document, embeds: { ...document.embeds, [path]: rows }, committedAt };
}
