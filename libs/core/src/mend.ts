import {
  doubtAbout,
  type Gaps,
  isUnsound,
  type RowChange,
  type StoredDocument,
  type StoredRow,
} from './apply.ts';
import type { CanonicalDocument, DocumentKey } from './document.ts';
import { assert } from './errors.ts';
import type { Content } from './field-type.ts';
import { keyText } from './key.ts';
import { keyFields, type Plan, type RowMapping } from './plan.ts';
import type { Sweep } from './ports/capture.ts';
import { keyOf } from './render.ts';
import { comparePositions, isOfBefore, type Position } from './version.ts';

/**
 * What a fresh read of the source's document says of the stored rows that are unsound; the others are left alone. It
 * carries no position, so the caller writes it only over the very revision that it looked at before it read.
 * @param source null: there is no such row, which says nothing of children: a store reads them by their parent.
 */
export function mendingChanges(
  plan: Plan,
  stored: StoredDocument,
  source: CanonicalDocument | null,
  epoch: number,
): readonly RowChange[] {
  if (source?.unreadable !== undefined) return [];
  const { key, root } = stored;
  const changes: RowChange[] = [];
  const of = (row: StoredRow, mapping: RowMapping, found: Content | null): Mended => ({
    evidence: { kind: 'fresh', epoch },
    committedAt: null,
    effect:
      found === null
        ? { kind: 'delete', content: keyContent(mapping, row.content), tiesWin: false }
        : { kind: 'upsert', content: found, unavailable: [], unmapped: row.unmapped },
  });
  if (root !== null && isUnsound(root))
    changes.push({ key, embed: null, ...of(root, plan.root, source?.root ?? null) });
  if (source === null) return changes;
  for (const embed of plan.embeds) {
    const found = new Map(source.embeds[embed.path]?.map((row) => [keyText(childKey(embed, row)), row]));
    for (const [text, row] of Object.entries(stored.embeds[embed.path] ?? {})) {
      if (!isUnsound(row)) continue;
      const at = { path: embed.path, childKey: childKey(embed, row.content) };
      changes.push({ key, embed: at, ...of(row, embed, found.get(text) ?? null) });
    }
  }
  return changes;
}

/** Says of the row of a change that cannot be applied only that it has changed. */
export function doubtOf(plan: Plan, { key, embed, evidence, effect }: RowChange): RowChange {
  const mapping = embed === null ? plan.root : plan.embeds.find(({ path }) => path === embed.path);
  assert(mapping !== undefined, `${embed?.path} is an embed of ${plan.unit}`);
  return doubtAbout({ key, embed }, keyContent(mapping, effect.content), evidence.epoch);
}

/**
 * What a truncate of a table leaves of a document: its rows of that table may be gone, and only the source can say.
 * @param position of the truncate; rows with a later change are not of before it. Null: none can be told.
 */
export function truncationDoubts(
  plan: Plan,
  stored: StoredDocument,
  table: string,
  { position, epoch }: { readonly position: Position | null; readonly epoch: number },
): readonly RowChange[] {
  return tableDoubts(plan, stored, { table, epoch }, ({ version }) => {
    const isKnown = plan.version.kind === 'lsn' && version?.epoch === epoch;
    const streamed = isKnown ? version.streamed : null;
    return streamed === null || position === null || comparePositions(streamed, position) < 0;
  });
}

/**
 * What a lost place in the log leaves of a document once its table has been read again: a row that no record has brought
 * since may have been deleted, and only the source can say.
 * @param given.ends by partition, the end offsets of the table's topic before anything came from the new place.
 * @param given.epoch the one that the new place is in.
 */
export function sweepDoubts(
  plan: Plan,
  stored: StoredDocument,
  table: string,
  { ends, epoch }: { readonly ends: ReadonlyMap<number, bigint>; readonly epoch: number },
): readonly RowChange[] {
  return tableDoubts(plan, stored, { table, epoch }, ({ version }) => isOfBefore(version, { epoch, ends }));
}

/** Where changes are missing from a unit's log, as long as not all of its rows of before have been seen to. */
export function gapsOf(plan: Plan, sweeps: readonly Sweep[]): Gaps {
  const own = sweeps.filter(({ unit }) => unit === plan.unit);
  const endsOf = (table: string): ReadonlyMap<number, bigint> | null => {
    const sweep = own.find((one) => one.table === table);
    return sweep === undefined ? null : sweepEnds(sweep);
  };
  const gaps = new Map<string | null, ReadonlyMap<number, bigint>>();
  for (const { table, path } of [{ table: plan.root.table, path: null }, ...plan.embeds]) {
    const ends = endsOf(table);
    if (ends !== null) gaps.set(path, ends);
  }
  return gaps;
}

export function sweepEnds({ ends }: Sweep): ReadonlyMap<number, bigint> {
  return new Map(Object.entries(ends).map(([partition, end]) => [Number(partition), BigInt(end)]));
}

/** Puts the live rows of a table in doubt that are said to be of before. */
function tableDoubts(
  plan: Plan,
  stored: StoredDocument,
  { table, epoch }: { readonly table: string; readonly epoch: number },
  isOfBefore: (row: StoredRow) => boolean,
): readonly RowChange[] {
  const isOpen = (row: StoredRow): boolean => row.live && isOfBefore(row);
  const doubt = (mapping: RowMapping, row: StoredRow, embed: RowChange['embed']): RowChange =>
    doubtAbout({ key: stored.key, embed }, keyContent(mapping, row.content), epoch);
  const { root } = stored;
  if (plan.root.table === table) return root !== null && isOpen(root) ? [doubt(plan.root, root, null)] : [];
  return plan.embeds
    .filter((embed) => embed.table === table)
    .flatMap((embed) =>
      Object.values(stored.embeds[embed.path] ?? {})
        .filter(isOpen)
        .map((row) => doubt(embed, row, { path: embed.path, childKey: childKey(embed, row.content) })),
    );
}

type Mended = Pick<RowChange, 'evidence' | 'committedAt' | 'effect'>;

function childKey(mapping: RowMapping, content: Content): DocumentKey {
  return keyOf(keyFields(mapping), content);
}

function keyContent(mapping: RowMapping, content: Content): Content {
  return Object.fromEntries(keyFields(mapping).map(({ path }) => [path, content[path] ?? null]));
}
