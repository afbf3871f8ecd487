import type { CanonicalValue, Content } from '#core/field-type';
import { fieldColumn, type PlanShape, type Shape } from './columns.ts';

const INTEGER_BITS: Readonly<Record<string, bigint>> = { int2: 15n, int4: 31n, int8: 63n };

/**
 * PostgreSQL does not say which column a value is too long, too large or malformed for. Answers the columns that a
 * write sends such a value to, each with its declared type; none when it cannot be told.
 */
export function suspects(
  shape: PlanShape,
  written: { root: Content; embeds: Readonly<Record<string, readonly Content[]>> },
  message: string,
): readonly string[] {
  const found = [
    ...suspectsIn(shape.root, written.root, message),
    ...shape.embeds.flatMap((embed) =>
      (written.embeds[embed.mapping.path] ?? []).flatMap((row) => suspectsIn(embed, row, message)),
    ),
  ];
  return [...new Set(found)];
}

function suspectsIn(shape: Shape, content: Content, message: string): readonly string[] {
  return shape.mapping.fields.flatMap((field) => {
    const value = content[field.path];
    const column = fieldColumn(shape, field);
    if (value === undefined || value === null) return [];
    const quoted = message.includes(`"${String(value)}"`);
    return quoted || exceeds(column.type, column.declared, value)
      ? [`${shape.mapping.table}.${column.name} ${column.declared}`]
      : [];
  });
}

function exceeds(type: string, declared: string, value: CanonicalValue): boolean {
  const text = String(value);
  const [length, scale = 0] = (/\((\d+)(?:,(-?\d+))?\)/.exec(declared) ?? []).slice(1).map(Number);
  const bits = INTEGER_BITS[type];
  if (bits !== undefined)
    return /^-?\d+$/.test(text) && BigInt.asIntN(Number(bits) + 1, BigInt(text)) !== BigInt(text);
  if (length === undefined) return false;
  if (type === 'varchar' || type === 'bpchar') return [...text.replace(/ +$/, '')].length > length;
  if (type === 'numeric') return (/^-?0*(\d*)/.exec(text)?.[1] ?? '').length > length - scale;
  return false;
}
