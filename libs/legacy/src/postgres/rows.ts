import type { CanonicalDocument, Unreadable } from '#core/document';
import type { Content } from '#core/field-type';
import { pointerOf } from '#core/pointer';
import type { MarkedDocument } from '#core/ports/legacy-store';
import { sortRows } from '#core/render';
import { readContent } from '../content.ts';
import type { PlanShape } from './columns.ts';
import type { Row } from './statement.ts';

/**
 * Reads a row of `selectDocuments`: a cell for each root field, the root's mark, then for each embed a JSON array of
 * its rows, each an array of texts that ends with the row's mark.
 * @throws FicusError `value_invalid` naming table, key and column of a key field that has no canonical form.
 */
export function readDocument(shape: PlanShape, row: Row): MarkedDocument {
  const { root } = shape.plan;
  const width = root.fields.length;
  const own = readContent(root, row.slice(0, width));
  const unreadable: Unreadable[] = [...own.unreadable];
  const marks = [row[width] ?? ''];
  const embeds: Record<string, readonly Content[]> = {};
  for (const [index, { mapping }] of shape.embeds.entries()) {
    const children = JSON.parse(row[width + 1 + index] ?? '[]') as readonly Row[];
    marks.push(...children.map((child) => `${mapping.path}:${child.at(-1) ?? ''}`).sort());
    const pointer = pointerOf([mapping.path]);
    const read = children.map((child) => readContent(mapping, child, pointer));
    unreadable.push(...read.flatMap((one) => one.unreadable));
    const contents = read.map(({ content }) => content);
    embeds[mapping.path] = sortRows(mapping, contents);
  }
  const whole: CanonicalDocument = { root: own.content, embeds };
  const document = unreadable.length === 0 ? whole : { ...whole, unreadable };
  return { document, mark: marks.join(' ') };
}
