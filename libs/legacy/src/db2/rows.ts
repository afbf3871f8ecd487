import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError, reasonOf } from '#core/errors';
import type { Content } from '#core/field-type';
import { keyText } from '#core/key';
import { keyFields, type RowMapping } from '#core/plan';
import type { MarkedDocument } from '#core/ports/legacy-store';
import { keyOf, sortRows } from '#core/render';
import { parseText } from '#core/value';
import type { EmbedShape, PlanShape } from './columns.ts';
import type { Row } from './driver.ts';
import { fieldAlias, parentAlias } from './read-sql.ts';

/** @throws FicusError `value_invalid` naming table and column of a value that has no canonical form. */
export function readContent(mapping: RowMapping, row: Row): Content {
  const content: Record<string, Content[string]> = {};
  for (const [index, field] of mapping.fields.entries()) {
    try {
      content[field.path] = parseText(field.type, textOf(row[fieldAlias(index)]));
    } catch (cause) {
      throw new FicusError('value_invalid', `${mapping.table}, column ${field.column}: ${reasonOf(cause)}`, {
        cause,
      });
    }
  }
  return content;
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
  roots: readonly Content[],
  children: ReadonlyMap<EmbedShape, readonly Row[]>,
): readonly MarkedDocument[] {
  const grouped = shape.embeds.map((embed) => ({
    embed,
    byParent: Map.groupBy(children.get(embed) ?? [], (row) => parentOf(shape, row)),
  }));
  return roots.map((root) => {
    const key = keyText(rootKey(shape, root));
    const embeds = grouped.map(({ embed: { mapping }, byParent }) => {
      const rows = (byParent.get(key) ?? []).map((row) => readContent(mapping, row));
      return [mapping.path, sortRows(mapping, rows)] as const;
    });
    const document: CanonicalDocument = { root, embeds: Object.fromEntries(embeds) };
    // Db2 has no mark of a row's state that every table carries: the state itself is one.
    return { document, mark: JSON.stringify([document.root, document.embeds]) };
  });
}

/** Of rows that were read by their keys those that have one of them exactly: Db2 compares texts padded with blanks. */
export function withKeys(
  shape: PlanShape,
  roots: readonly Content[],
  keys: readonly DocumentKey[],
): readonly Content[] {
  const wanted = new Set(keys.map(keyText));
  return roots.filter((root) => wanted.has(keyText(rootKey(shape, root))));
}

export function rootKey(shape: PlanShape, root: Content): DocumentKey {
  return keyOf(keyFields(shape.plan.root), root);
}

function textOf(value: unknown): string | null {
  return value === null || value === undefined ? null : String(value);
}
