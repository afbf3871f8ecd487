import type { DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { type CanonicalValue, type Content, sameValue } from '#core/field-type';
import { keyText } from '#core/key';
import { type Embed, type Field, keyFields } from '#core/plan';
import { keyOf } from '#core/render';

/** Values to set by field path; undefined stands for the column's default. */
export type Changes = ReadonlyMap<Field, CanonicalValue | undefined>;

/** What a client may set in a row. */
export interface Settable {
  readonly fields: readonly Field[];
  /** Has the field's column a default of its own? Without one the default is null. */
  readonly hasDefault: (field: Field) => boolean;
}

export interface ChildChanges {
  readonly inserted: readonly Content[];
  readonly updated: readonly { readonly key: DocumentKey; readonly changes: Changes }[];
  readonly deleted: readonly DocumentKey[];
}

/**
 * What must be set in a row so that it becomes `after`. A replaced row's unsent field goes back to its default; a
 * patched one's stays. A value that is not known (it cannot be read) differs from every other.
 */
export function changesOf(
  { fields, hasDefault }: Settable,
  before: Content,
  after: Content,
  unsent: 'default' | 'kept',
): Changes {
  const changes = new Map<Field, CanonicalValue | undefined>();
  for (const field of fields) {
    const wanted = after[field.path];
    const known = before[field.path];
    const differs =
      wanted === undefined
        ? unsent === 'default' && (known !== null || hasDefault(field))
        : !sameValue(wanted, known);
    if (differs) changes.set(field, wanted);
  }
  return changes;
}

/**
 * Turns an embedded array, sent whole, into changes of rows: rows are matched by their key, and one that is already as
 * it should be is not touched. A row whose key the client leaves open is a new one.
 * @param settable without the key fields.
 * @throws FicusError `value_invalid` when two rows have one key.
 */
export function childChanges(
  embed: Embed,
  settable: Settable,
  before: readonly Content[],
  after: readonly Content[],
): ChildChanges {
  const fields = keyFields(embed);
  const known = new Map(before.map((row) => [keyText(keyOf(fields, row)), row]));
  const named = new Set<string>();
  const inserted: Content[] = [];
  const updated: { key: DocumentKey; changes: Changes }[] = [];
  for (const row of after) {
    const key = keyOf(fields, row);
    const text = keyText(key);
    const open = key.includes(null);
    if (!open && named.has(text))
      throw new FicusError(
        'value_invalid',
        `${embed.path}: two rows have the key ${text}; it must be unique`,
      );
    if (!open) named.add(text);
    const old = open ? undefined : known.get(text);
    if (old === undefined) {
      inserted.push(row);
      continue;
    }
    const changes = changesOf(settable, old, row, 'default');
    if (changes.size > 0) updated.push({ key, changes });
  }
  const deleted = [...known].filter(([text]) => !named.has(text)).map(([, row]) => keyOf(fields, row));
  return { inserted, updated, deleted };
}
