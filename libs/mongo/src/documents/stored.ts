import { type Document, Long } from 'mongodb';
import { emptyDocument, type StoredDocument, type StoredRow } from '#core/apply';
import type { CanonicalDocument } from '#core/document';
import type { CanonicalValue, Content } from '#core/field-type';
import { keyText } from '#core/key';
import { type Embed, type Field, keyFields, type Plan, type RowMapping } from '#core/plan';
import { keyOf } from '#core/render';
import type { LogPosition, Position, RowVersion } from '#core/version';
import { bigintOf, fromBson, fromId } from './bson.ts';

/**
 * How a document lies in its collection. Mapped fields stand at their paths; each embedded live row is an element
 * of its array; everything that orders states is in `_m`, of the document and of each element:
 *
 * | member | of           | what                                                                              |
 * |--------|--------------|-----------------------------------------------------------------------------------|
 * | n      | document     | int, revision: raised by every write, which names the one it was decided on        |
 * | t      | document     | int, term of the fence under which it was written                                  |
 * | at     | document     | date, commit time at the source of the newest applied change                       |
 * | gone   | document     | by embed: rows that no reader sees: tombstones (their key fields and `_m`), and     |
 * |        |              | further live rows of a sub-document, as when a new one comes before the old one goes |
 * | live   | both         | bool; false: tombstone, or a parent whose row has not come yet                     |
 * | e      | both         | int, epoch of the version; absent while the row has none                           |
 * | s w r  | both         | long or string: positions streamed, written directly, of the stored snapshot row   |
 * | o      | both         | {i, p, n}: topic incarnation, partition, offset (long) of the last applied record  |
 * | v      | both         | long: counter of a state of which MongoDB is the authority                         |
 * | h      | both         | string, keyed digest of the row's content                                          |
 * | miss   | both         | field paths never seen yet                                                         |
 * | doubt  | both         | true: see `StoredRow.doubtful`; absent otherwise                                   |
 * | x      | both         | values of columns that the plan does not know, as extended text                    |
 *
 * Beside it, `_mend` is true where the document must be read from the source (`needsSource`), and absent otherwise. It
 * has an index, and MongoDB makes the keys of an index anew whenever anything under its path is written: within `_m`,
 * which every write replaces, it would cost a good part of the write.
 */
export function readStored(plan: Plan, found: Document): StoredDocument {
  const meta = found._m as Document | undefined;
  if (meta === undefined) return { ...emptyDocument(fromId(plan, found._id)), revision: 0 };
  const embeds: Record<string, Record<string, StoredRow>> = {};
  for (const embed of plan.embeds) {
    const rows: Record<string, StoredRow> = {};
    for (const element of [
      ...elements(embed, found),
      ...((meta.gone?.[embed.path] as Document[] | undefined) ?? []),
    ]) {
      const row = readRow(embed, element, element._m as Document);
      rows[keyText(keyOf(keyFields(embed), row.content))] = row;
    }
    embeds[embed.path] = rows;
  }
  return {
    key: fromId(plan, found._id),
    revision: Number(meta.n ?? 0),
    root: meta.e === undefined ? null : readRow(plan.root, found, meta),
    embeds,
    committedAt: readTime(meta.at),
  };
}

function readTime(at: unknown): number | null {
  return at instanceof Date ? at.getTime() : null;
}

/** The same of a document of which only `_m` was asked for: its rows have no content. For a plan without embeds. */
export function readBare(plan: Plan, found: Document): StoredDocument {
  const meta = found._m as Document | undefined;
  const key = fromId(plan, found._id);
  if (meta === undefined) return { ...emptyDocument(key), revision: 0 };
  const root: StoredRow | null = meta.e === undefined ? null : readMeta(meta, {});
  return { key, revision: Number(meta.n ?? 0), root, embeds: {}, committedAt: readTime(meta.at) };
}

/** The member that marks a document which must be read from the source. */
export const MEND = '_mend';

/** The document as readers see it; the caller has made sure that it is live. */
export function readCanonical(plan: Plan, found: Document): CanonicalDocument {
  const embeds: Record<string, readonly Content[]> = {};
  for (const embed of plan.embeds)
    embeds[embed.path] = elements(embed, found).map((element) => readContent(embed, element));
  const isWhole = found[MEND] !== true;
  return { root: readContent(plan.root, found), embeds, ...(isWhole ? {} : { incomplete: true }) };
}

function elements(embed: Embed, found: Document): readonly Document[] {
  const value: unknown = found[embed.path];
  if (Array.isArray(value)) return value as Document[];
  return value === null || value === undefined ? [] : [value as Document];
}

function readRow(mapping: RowMapping, at: Document, meta: Document): StoredRow {
  const live = meta.live === true;
  const missed = (meta.miss as string[] | undefined) ?? [];
  // A field that the plan has had only since the row was written is not known to be null: nobody has seen it.
  const incomplete = mapping.fields
    .filter(({ path, segments }) => missed.includes(path) || (live && valueAt(at, segments) === undefined))
    .map(({ path }) => path);
  const whole = readContent(mapping, at);
  const kept = live ? mapping.fields : keyFields(mapping);
  const content = pick(
    whole,
    kept.filter((field) => !incomplete.includes(field.path)),
  );
  const row = readMeta(meta, content);
  return { ...row, digest: incomplete.length === 0 ? row.digest : null, incomplete };
}

function readMeta(meta: Document, content: Content): StoredRow {
  return {
    version: readVersion(meta),
    live: meta.live === true,
    digest: typeof meta.h === 'string' ? meta.h : null,
    incomplete: (meta.miss as string[] | undefined) ?? [],
    doubtful: meta.doubt === true,
    content,
    unmapped: meta.x === undefined ? {} : (JSON.parse(String(meta.x)) as Record<string, unknown>),
  };
}

function readVersion(meta: Document): RowVersion | null {
  if (meta.e === undefined) return null;
  return {
    epoch: Number(meta.e),
    streamed: readPosition(meta.s),
    written: readPosition(meta.w),
    snapshot: readPosition(meta.r),
    log: meta.o === undefined ? null : readLog(meta.o as Document),
    counter: Long.isLong(meta.v) ? bigintOf(meta.v) : null,
  };
}

function readPosition(value: unknown): Position | null {
  if (value === undefined || value === null) return null;
  return Long.isLong(value) ? bigintOf(value) : typeof value === 'number' ? BigInt(value) : String(value);
}

function readLog(log: Document): LogPosition {
  const offset: unknown = log.n;
  return {
    incarnation: Number(log.i),
    partition: Number(log.p),
    offset: Long.isLong(offset) ? bigintOf(offset) : BigInt(Number(offset)),
  };
}

function readContent(mapping: RowMapping, at: Document): Content {
  const content: Record<string, CanonicalValue> = {};
  for (const field of mapping.fields) content[field.path] = fromBson(field.type, valueAt(at, field.segments));
  return content;
}

function pick(content: Content, fields: readonly Field[]): Content {
  return Object.fromEntries(fields.map((field) => [field.path, content[field.path] ?? null]));
}

function valueAt(at: unknown, segments: readonly string[]): unknown {
  return segments.reduce<unknown>((value, name) => (value as Document | null | undefined)?.[name], at);
}
