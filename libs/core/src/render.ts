import type { CanonicalDocument } from './document.ts';
import { FicusError } from './errors.ts';
import type { CanonicalValue, Content } from './field-type.ts';
import { compareKeys } from './key.ts';
import { type Embed, type Field, keyFields, type Plan } from './plan.ts';

/** A document as the API shows it. Members stand in the plan's order, so equal documents are equal byte for byte. */
export type ApiValue = CanonicalValue | readonly ApiValue[] | { readonly [name: string]: ApiValue };
export type ApiDocument = { readonly [name: string]: ApiValue };

/** @throws FicusError `value_invalid` when the document has a value that cannot be shown: it must not pass for null. */
export function renderDocument(plan: Plan, document: CanonicalDocument): ApiDocument {
  assertReadable(document);
  const rendered: Record<string, ApiValue> = renderContent(plan.root.fields, document.root);
  for (const embed of plan.embeds) {
    const rows = (document.embeds[embed.path] ?? []).map((row) => renderContent(embed.fields, row));
    rendered[embed.path] = embed.cardinality === 'one' ? (rows[0] ?? null) : rows;
  }
  return rendered;
}

/** @throws FicusError `value_invalid` that names what of the document has no canonical form. */
export function assertReadable({ unreadable = [] }: CanonicalDocument): void {
  const faults = unreadable.map(({ pointer, reason }) => ({ pointer, message: reason }));
  if (faults.length > 0)
    throw new FicusError('value_invalid', unreadable.map(({ reason }) => reason).join('; '), { faults });
}

/** Absent values are null: the API never leaves a member out. */
export function renderContent(fields: readonly Field[], content: Content): Record<string, ApiValue> {
  const rendered: Record<string, ApiValue> = {};
  for (const field of fields) {
    let at = rendered;
    for (const segment of field.segments.slice(0, -1)) {
      at[segment] ??= {};
      at = at[segment] as Record<string, ApiValue>;
    }
    at[field.segments.at(-1) ?? field.path] = content[field.path] ?? null;
  }
  return rendered;
}

/** The key of a row, from its content. */
export function keyOf(fields: readonly Field[], content: Content): readonly CanonicalValue[] {
  return fields.map((field) => content[field.path] ?? null);
}

/** Embedded rows in the order in which every store and the API show them: by their key. */
export function sortRows(embed: Embed, rows: readonly Content[]): readonly Content[] {
  const fields = keyFields(embed);
  const types = fields.map((field) => field.type);
  return [...rows].sort((a, b) => compareKeys(keyOf(fields, a), keyOf(fields, b), types));
}
