import type { DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import type { CanonicalValue, Content } from '#core/field-type';
import { keyText } from '#core/key';
import { type Embed, type Field, keyFields } from '#core/plan';
import { keyOf } from '#core/render';

/** Values to set by field path; undefined stands for the column's default. */
export type Changes = ReadonlyMap<Field, CanonicalValue | undefined>;

export interface ChildChanges {
  readonly inserted: readonly Content[];
  readonly updated: readonly { readonly key: DocumentKey; readonly changes: Changes }[];
  readonly deleted: readonly DocumentKey[];
}

/**
 * What must be set in a row so that it becomes `after`. A replaced row's unsent field goes back to its default (unless
 * it is null already); a patched one's stays.
 */
export function changesOf(
  fields: readonly Field[],
  before: Content,
  after: Content,
  unsent: 'default' | 'kept',
): Changes {
  const changes = new Map<Field, CanonicalValue | undefined>();
  for (const field of fields) {
    const wanted = after[field.path];
    const known = before[field.path] ?? null;
    if (wanted === undefined ? unsent === 'default' && known !== null : wanted !== known)
      changes.set(field, wanted);
  }
  return changes;
}

/**
 * Turns an embedded array, sent whole, into changes of rows: rows are matched by their key, and one that is already as
 * it should be is not touched. A row whose key the client leaves open is a new one.
 * @param writable fields that a client may set, key fields excepted.
 * @throws FicusError `value_invalid` when two rows have one key.
 */
export function childChanges(
  embed: Embed,
  writable: readonly Field[],
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
    const changes = changesOf(writable, old, row, 'default');
    if (changes.size > 0) updated.push({ key, changes });
  }
  const deleted = [...known].filter(([text]) => !named.has(text)).map(([, row]) => keyOf(fields, row));
  return { inserted, updated, deleted };
}
