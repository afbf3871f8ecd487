import type { WireRow } from './change-event.ts';

/**
 * The name of the row that a record is about, by its topic and its key, whatever the format of the key: what later
 * records of the row are known by. Null: the record has no key. @param raw the key as text, where it could not be read.
 */
export function rowName(topic: string, key: WireRow | string | null): string | null {
  if (key === null) return null;
  if (typeof key === 'string') return `${topic} ${key}`;
  const columns = Object.keys(key).sort();
  return `${topic} ${JSON.stringify(columns.map((column) => [column, String(key[column]?.value)]))}`;
}

/** A reason without its values: letters that have it in common have one cause. */
export function causeOf(reason: string): string {
  return reason
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '…')
    .replaceAll(/[-+]?\d[\d.,:TZ-]*/g, '…')
    .slice(0, 300);
}
