import type { Fault } from '#core/errors';
import type { CanonicalValue, Content } from '#core/field-type';
import { pointerOf } from '#core/pointer';
import { type Column, columnOf, type PlanShape, type Shape } from './columns.ts';

/**
 * Db2 does not say which column a value is too long or too large for. Answers the members of a write whose values do
 * not fit into their columns by the catalogue; none when it cannot be told.
 */
export function suspects(
  shape: PlanShape,
  written: { readonly root: Content; readonly embeds: Readonly<Record<string, readonly Content[]>> },
): readonly Fault[] {
  const children = shape.embeds.flatMap((embed) => {
    const { path } = embed.mapping;
    const rows = written.embeds[path] ?? [];
    return rows.flatMap((row, index) => suspectsIn(embed, row, pointerOf([path, index])));
  });
  return [...suspectsIn(shape.root, written.root, ''), ...children];
}

function suspectsIn(shape: Shape, content: Content, parent: string): readonly Fault[] {
  return shape.mapping.fields.flatMap((field) => {
    const value = content[field.path];
    if (value === undefined || value === null) return [];
    const column = columnOf(shape, field.column);
    const legal = exceeded(column, value);
    if (legal === null) return [];
    const message = `does not fit into ${shape.mapping.table}.${column.name}; legal is ${legal}`;
    return [{ pointer: `${parent}${pointerOf(field.segments)}`, message }];
  });
}

/** Lengths of texts are bytes (of UTF-8, in a Unicode database), whatever they are in the plan. Null: it fits. */
function exceeded(column: Column, value: CanonicalValue): string | null {
  switch (column.type) {
    case 'CHARACTER':
    case 'VARCHAR': {
      const bytes = new TextEncoder().encode(String(value)).length;
      return bytes > column.length ? `at most ${column.length} bytes, and it has ${bytes}` : null;
    }
    case 'SMALLINT':
      return Math.abs(Number(value) + 0.5) > 2 ** 15 ? 'an integer of 16 bits' : null;
    case 'INTEGER':
      return Math.abs(Number(value) + 0.5) > 2 ** 31 ? 'an integer of 32 bits' : null;
    case 'DECIMAL': {
      const before = column.length - column.scale;
      const digits = /^-?0*(\d*)/.exec(String(value))?.[1]?.length ?? 0;
      return digits > before ? `at most ${before} digits before the point` : null;
    }
    default:
      return null;
  }
}
