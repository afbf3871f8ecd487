import { refuse } from './refusal.ts';

/** An element within an array's text: in double quotes with backslash escapes, or bare. */
const ELEMENT = /"((?:[^"\\]|\\.)*)"|([^",{}\\\s][^",{}\\]*)/sy;
const LEGAL = 'an array of one dimension that begins at 1, which is what an event can tell';

/**
 * The elements of an array as PostgreSQL prints it: `{1,NULL,"a b"}`. Arrays of more dimensions, and those that begin
 * elsewhere than at 1, are refused: Debezium 3.3.1 sends the first as garbage and the second as any other.
 * Source: PostgreSQL documentation, "Array Input and Output Syntax".
 * @throws FicusError `value_invalid`.
 */
export function arrayElements(text: string): readonly (string | null)[] {
  if (text === '{}') return [];
  if (!text.startsWith('{') || !text.endsWith('}')) return refuse(text, LEGAL);
  const elements: (string | null)[] = [];
  for (let at = 1; ; at++) {
    ELEMENT.lastIndex = at;
    const match = ELEMENT.exec(text);
    if (match === null) return refuse(text, LEGAL);
    const [whole, quoted, bare = ''] = match;
    elements.push(
      quoted === undefined ? (bare === 'NULL' ? null : bare) : quoted.replaceAll(/\\(.)/gs, '$1'),
    );
    at += whole.length;
    if (text[at] === '}' && at === text.length - 1) return elements;
    if (text[at] !== ',') return refuse(text, LEGAL);
  }
}

/** What PostgreSQL reads as this array. */
export function arrayText(elements: readonly (string | null)[]): string {
  const written = elements.map((element) =>
    element === null ? 'NULL' : `"${element.replaceAll(/["\\]/g, '\\$&')}"`,
  );
  return `{${written.join(',')}}`;
}
