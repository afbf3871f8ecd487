import type { CanonicalDocument, DocumentKey } from '#core/document';
import { keyFields } from '#core/plan';
import type { MarkedDocument, WriteResult } from '#core/ports/legacy-store';
import { assertReadable } from '#core/render';
import { parseText } from '#core/value';
import type { Position } from '#core/version';
import type { RowContent } from '../content.ts';
import type { EmbedShape, PlanShape } from './columns.ts';
import type { Db2Session, Row } from './driver.ts';
import { lockRoot, selectByKeys, selectChildren } from './read-sql.ts';
import { assemble, readRow, rootKey, withKeys } from './rows.ts';
import type { Sql } from './statement.ts';

/** Documents within one session of a Db2 database: what `Db2Store` does in its transactions. */

/** Keys a statement: each is a condition of its own. */
export const KEYS_AT_ONCE = 100;

export function run(session: Db2Session, { text, parameters }: Sql): Promise<number> {
  return session.execute(text, parameters);
}

/** The root rows that a statement finds. */
export async function roots(
  shape: PlanShape,
  session: Db2Session,
  { text, parameters }: Sql,
): Promise<RowContent[]> {
  const rows = await session.query(text, parameters);
  return rows.map((row) => readRow(shape.plan.root, row));
}

export async function documentsByKeys(
  shape: PlanShape,
  session: Db2Session,
  keys: readonly DocumentKey[],
): Promise<readonly MarkedDocument[]> {
  const found = await roots(shape, session, selectByKeys(shape, keys));
  return await documents(shape, session, withKeys(shape, found, keys));
}

/** Roots with their children, all read in one transaction that keeps what it has read. */
export async function documents(
  shape: PlanShape,
  session: Db2Session,
  contents: readonly RowContent[],
): Promise<readonly MarkedDocument[]> {
  const children = new Map<EmbedShape, Row[]>(shape.embeds.map((embed) => [embed, []]));
  const keys = contents.map((content) => rootKey(shape, content));
  for (const [embed, found] of children) {
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const { text, parameters } = selectChildren(shape, embed, keys.slice(at, at + KEYS_AT_ONCE));
      found.push(...(await session.query(text, parameters)));
    }
  }
  return assemble(shape, contents, children);
}

export async function locked(
  shape: PlanShape,
  session: Db2Session,
  key: DocumentKey,
): Promise<CanonicalDocument | null> {
  const { text, parameters } = lockRoot(shape, key);
  if ((await session.query(text, parameters)).length === 0) return null;
  return await read(shape, session, key);
}

async function read(
  shape: PlanShape,
  session: Db2Session,
  key: DocumentKey,
): Promise<CanonicalDocument | null> {
  const [found] = await documentsByKeys(shape, session, [key]);
  return found?.document ?? null;
}

/** The document as this transaction leaves it, with its position; one that nobody could be shown is not left. */
export async function settled(shape: PlanShape, session: Db2Session, key: DocumentKey): Promise<WriteResult> {
  const document = await read(shape, session, key);
  if (document !== null) assertReadable(document);
  return { kind: 'done', document, position: document === null ? null : versionOf(shape, document) };
}

/** The key of the row just inserted: as it was sent, but for a part that the database chose itself. */
export async function insertedKey(
  shape: PlanShape,
  session: Db2Session,
  document: CanonicalDocument,
): Promise<DocumentKey> {
  const key = rootKey(shape, { content: document.root });
  if (!key.includes(null)) return key;
  const [row] = await session.query('VALUES CHAR(IDENTITY_VAL_LOCAL())');
  const chosen = String(Object.values(row ?? {})[0] ?? '').trim();
  return keyFields(shape.plan.root).map((field, index) => key[index] ?? parseText(field.type, chosen));
}

/** Db2's log has no position that a writer could learn before it commits: only a version column has one. */
export function versionOf(shape: PlanShape, document: CanonicalDocument): Position | null {
  const { version, root } = shape.plan;
  if (version.kind === 'lsn') return null;
  const field = root.fields.find((candidate) => candidate.column === version.column);
  const value = field === undefined ? null : (document.root[field.path] ?? null);
  return value === null ? null : BigInt(String(value));
}
