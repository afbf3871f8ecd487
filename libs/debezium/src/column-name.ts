import { isUtf8 } from 'node:buffer';

/** Characters that a byte of 0x80 or above becomes when it is widened with its sign. */
const WIDENED = /[\uff80-\uffff]/;

/**
 * The name of a column as the database has it. PostgreSQL's connector mangles non-ASCII names of streamed rows (not of
 * snapshot rows): each byte of the UTF-8 form comes as a character of its own, those above 0x7F as U+FFxx. A name that
 * is no such thing passes unchanged.
 */
export function columnName(wire: string): string {
  if (!WIDENED.test(wire)) return wire;
  const units = Array.from(wire, (character) => character.charCodeAt(0));
  if (units.some((unit) => unit > 0x7f && unit < 0xff80)) return wire;
  const bytes = Buffer.from(units.map((unit) => unit & 0xff));
  return isUtf8(bytes) ? bytes.toString('utf8') : wire;
}
