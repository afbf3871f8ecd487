import type { CanonicalDocument, DocumentKey, Unreadable } from '#core/document';
import { keyText } from '#core/key';
import { keyFields, type RowMapping } from '#core/plan';
import { pointerOf } from '#core/pointer';
import type { MarkedDocument } from '#core/ports/legacy-store';
import { keyOf, sortRows } from '#core/render';
import { parseText } from '#core/value';
import { type RowContent, readContent } from '../content.ts';
import type { EmbedShape, PlanShape } from './columns.ts';
import type { Row } from './driver.ts';
import { fieldAlias, parentAlias } from './read-sql.ts';

/** @throws FicusError `value_invalid` naming table, key and column of a key field that has no canonical form. */
export function readRow(mapping: RowMapping, row: Row, pointer?: string): RowContent {
  const cells = mapping.fields.map((_, index) => textOf(row[fieldAlias(index)]));
  return readContent(mapping, cells, pointer);
}

/** The key of the document that a child belongs to, as `keyText`. */
export function parentOf(shape: PlanShape, row: Row): string {
  return keyText(
    keyFields(shape.plan.root).map((field, index) => parseText(field.type, textOf(row[parentAlias(index)]))),
  );
}

/** Puts documents together, in the order of their roots. */
export function assemble(
  shape: PlanShape,
  roots: readonly RowContent[],
  children: ReadonlyMap<EmbedShape, readonly Row[]>,
): readonly MarkedDocument[] {
  const grouped = shape.embeds.map((embed) => ({
    embed,
    byParent: Map.groupBy(children.get(embed) ?? [], (row) => parentOf(shape, row)),
  }));
  return roots.map((root) => {
    const key = keyText(rootKey(shape, root));
    const unreadable: Unreadable[] = [...root.unreadable];
    const embeds = grouped.map(({ embed: { mapping }, byParent }) => {
      const pointer = pointerOf([mapping.path]);
      const read = (byParent.get(key) ?? []).map((row) => readRow(mapping, row, pointer));
      unreadable.push(...read.flatMap((one) => one.unreadable));
      const contents = read.map(({ content }) => content);
      return [mapping.path, sortRows(mapping, contents)] as const;
    });
    const whole: CanonicalDocument = { root: root.content, embeds: Object.fromEntries(embeds) };
    const document = unreadable.length === 0 ? whole : { ...whole, unreadable };
    // Db2 has no mark of a row's state that every table carries: the state itself is one.
    return { document, mark: JSON.stringify([document.root, document.embeds, unreadable]) };
  });
}

/** Of rows that were read by their keys those that have one of them exactly: Db2 compares texts padded with blanks. */
export function withKeys(
  shape: PlanShape,
  roots: readonly RowContent[],
  keys: readonly DocumentKey[],
): readonly RowContent[] {
  const wanted = new Set(keys.map(keyText));
  return roots.filter((root) => wanted.has(keyText(rootKey(shape, root))));
}

export function rootKey(shape: PlanShape, { content }: Pick<RowContent, 'content'>): DocumentKey {
  return keyOf(keyFields(shape.plan.root), content);
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
