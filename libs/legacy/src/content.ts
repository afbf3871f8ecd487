import type { Unreadable } from '#core/document';
import { FicusError, reasonOf } from '#core/errors';
import type { CanonicalValue, Content } from '#core/field-type';
import { mappingOf, type Plan, type RowMapping } from '#core/plan';
import { pointerOf } from '#core/pointer';
import { parseText } from '#core/value';

/** A row's values, and what of them has no canonical form: such members are missing. */
export interface RowContent {
  readonly content: Content;
  readonly unreadable: readonly Unreadable[];
}

/**
 * Reads a row.
 * @param cells the texts of the mapping's fields, in its order.
 * @param pointer of the row's members: empty for a root; every member of an embedded row goes by its embed's.
 * @throws FicusError `value_invalid` when a key field has no canonical form, since then nobody can tell which row it is.
 */
export function readContent(
  mapping: RowMapping,
  cells: readonly (string | null)[],
  pointer?: string,
): RowContent {
  const content: Record<string, CanonicalValue> = {};
  const unreadable: Unreadable[] = [];
  for (const [index, field] of mapping.fields.entries()) {
    try {
      content[field.path] = parseText(field.type, cells[index] ?? null);
    } catch (cause) {
      const reason = `${mapping.table}, row ${keyOfCells(mapping, cells)}, column ${field.column}: ${reasonOf(cause)}`;
      if (mapping.key.includes(field.column)) throw new FicusError('value_invalid', reason, { cause });
      unreadable.push({ pointer: pointer ?? pointerOf(field.segments), reason });
    }
  }
  return { content, unreadable };
}

/** The members of a document that stand for columns of a table; of an embedded table, the embed. */
export function pointersTo(plan: Plan, table: string, columns: readonly string[]): readonly string[] {
  const found = mappingOf(plan, table);
  if (found === null) return [];
  if (found.embed !== null) return [pointerOf([found.embed.path])];
  return plan.root.fields
    .filter(({ column }) => columns.includes(column))
    .map(({ segments }) => pointerOf(segments));
}

function keyOfCells(mapping: RowMapping, cells: readonly (string | null)[]): string {
  const shown = mapping.key.map((column) => {
    const index = mapping.fields.findIndex((field) => field.column === column);
    return `${column}=${cells[index] ?? ''}`;
  });
  return shown.join(', ');
}
