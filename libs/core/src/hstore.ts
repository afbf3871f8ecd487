import { compareCodePoints } from './code-points.ts';
import { refuse } from './refusal.ts';

/**
 * An hstore's canonical text is a JSON object of texts and nulls, its names in the order of their code points and
 * without blanks, so that equal ones have one text.
 */
const LEGAL = 'a string that holds a JSON object whose members are strings or null';
/** `"a"=>"1", "b"=>NULL`, as PostgreSQL prints it. */
const PAIR = /"((?:[^"\\]|\\.)*)"=>(?:"((?:[^"\\]|\\.)*)"|NULL)(?:, |$)/sy;

type Pair = readonly [name: string, value: string | null];

/** A member of a JSON object (RFC 8259), and what follows it. */
const MEMBER = /\s*("(?:[^"\\]|\\.)*")\s*:\s*("(?:[^"\\]|\\.)*"|null)\s*(,|\}\s*$)/sy;
const EMPTY = /^\s*\{\s*\}\s*$/;

/** @throws FicusError `value_invalid`. */
export function canonicalHstore(value: unknown): string {
  return print(pairsOf(value));
}

/** Reads PostgreSQL's own text. @throws FicusError `value_invalid`. */
export function readHstore(text: string): string {
  const pairs: Pair[] = [];
  for (let at = 0; at < text.length; ) {
    PAIR.lastIndex = at;
    const match = PAIR.exec(text);
    if (match === null) return refuse(text, LEGAL);
    const [whole, name = '', value] = match;
    pairs.push([unquoted(name), value === undefined ? null : unquoted(value)]);
    at += whole.length;
  }
  return print(pairs);
}

/** What PostgreSQL reads as this hstore. */
export function hstoreText(canonical: string): string {
  const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  return pairsOf(canonical)
    .map(([name, value]) => `${quote(name)}=>${value === null ? 'NULL' : quote(value)}`)
    .join(', ');
}

/**
 * Member by member, since V8 (as of Node 24) takes a name `"` for `\` in an object of a shape that once had that. Of a
 * name that stands twice the last one counts.
 */
function pairsOf(value: unknown): readonly Pair[] {
  if (typeof value !== 'string') return refuse(value, LEGAL);
  if (EMPTY.test(value)) return [];
  const pairs = new Map<string, string | null>();
  let at = value.indexOf('{') + 1;
  if (value.slice(0, at).trim() !== '{') return refuse(value, LEGAL);
  for (;;) {
    MEMBER.lastIndex = at;
    const match = MEMBER.exec(value);
    if (match === null) return refuse(value, LEGAL);
    const [whole, name = '', member = '', end] = match;
    pairs.set(textOf(name, value), member === 'null' ? null : textOf(member, value));
    at += whole.length;
    if (end !== ',') return [...pairs];
  }
}

/** A JSON string's text, when PostgreSQL can hold it. */
function textOf(json: string, whole: string): string {
  const text = stringOf(json);
  const isLegal = text?.isWellFormed() === true && !text.includes('\u0000');
  return text === null || !isLegal ? refuse(whole, LEGAL) : text;
}

function stringOf(json: string): string | null {
  try {
    return JSON.parse(json) as string;
  } catch {
    return null;
  }
}

/** Not by way of an object, which would put names that are numbers first. */
function print(pairs: readonly Pair[]): string {
  const sorted = [...pairs].sort(([a], [b]) => compareCodePoints(a, b));
  return `{${sorted.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',')}}`;
}

function unquoted(text: string): string {
  return text.replaceAll(/\\(.)/gs, '$1');
}
