import type { CanonicalDocument } from '#core/document';
import { FicusError, reasonOf } from '#core/errors';
import type { Content } from '#core/field-type';
import type { RowMapping } from '#core/plan';
import type { MarkedDocument } from '#core/ports/legacy-store';
import { sortRows } from '#core/render';
import { parseText } from '#core/value';
import type { PlanShape } from './columns.ts';
import type { Cell, Row } from './statement.ts';

/**
 * Reads a row of `selectDocuments`: a cell for each root field, the root's mark, then for each embed a JSON array of
 * its rows, each an array of texts that ends with the row's mark.
 * @throws FicusError `value_invalid` naming table, key and column of a value that has no canonical form.
 */
export function readDocument(shape: PlanShape, row: Row): MarkedDocument {
  const { root } = shape.plan;
  const width = root.fields.length;
  const content = readContent(root, row.slice(0, width));
  const marks = [row[width] ?? ''];
  const embeds: Record<string, readonly Content[]> = {};
  for (const [index, { mapping }] of shape.embeds.entries()) {
    const children = JSON.parse(row[width + 1 + index] ?? '[]') as readonly Row[];
    marks.push(...children.map((child) => `${mapping.path}:${child.at(-1) ?? ''}`).sort());
    const contents = children.map((child) => readContent(mapping, child));
    embeds[mapping.path] = sortRows(mapping, contents);
  }
  const document: CanonicalDocument = { root: content, embeds };
  return { document, mark: marks.join(' ') };
}

function readContent(mapping: RowMapping, cells: Row): Content {
  const content: Record<string, Content[string]> = {};
  for (const [index, field] of mapping.fields.entries()) {
    try {
      content[field.path] = parseText(field.type, cells[index] ?? null);
    } catch (cause) {
      throw new FicusError(
        'value_invalid',
        `${mapping.table}, row ${keyOfCells(mapping, cells)}, column ${field.column}: ${reasonOf(cause)}`,
        { cause },
      );
    }
  }
  return content;
}

function keyOfCells(mapping: RowMapping, cells: Row): string {
  const shown = mapping.key.map((column): Cell => {
    const index = mapping.fields.findIndex((field) => field.column === column);
    return `${column}=${cells[index] ?? ''}`;
  });
  return shown.join(', ');
}
