/**
 * What of a client's SQL the stand-in's database cannot take as it is. Every change keeps the length, so that no
 * length field around the text has to be touched, and treats the text as bytes (latin1): only ASCII is compared.
 */

/** Derby refuses schemas that begin with SYS, so the catalogue views stand in one with a name as long as SYSCAT. */
export const CATALOGUE_SCHEMA = 'CATSYS';

/** Db2's HEX takes a text as well as bytes, Derby's function only one of them: one as long of its own for texts. */
export const HEX_OF_TEXT_NAME = 'HXT';

const HARMLESS = 'SET CURRENT ISOLATION CS';
/** Special registers that Derby lacks. */
const UNKNOWN_REGISTERS = /^\s*SET\s+(CLIENT\b|CURRENT\s+LOCALE\b)/i;
/** What stays: a string literal, and a quoted name other than the catalogue's. */
const LITERAL = /'(?:[^']|'')*'|"(?!SYSCAT")(?:[^"]|"")*"/;
/** The catalogue's schema before a dot, quoted or not. */
const CATALOGUE = /(?<![\w$.#@"])(?<quote>"?)SYSCAT\k<quote>(?=\s*\.)/;
/** HEX over a text: of bytes, programs take it without a call in between. */
const HEX_OF_TEXT = /\b(?<hex>HEX)(?=\((?:VARCHAR|RTRIM)\()/;
const SOUGHT = new RegExp([LITERAL, CATALOGUE, HEX_OF_TEXT].map(({ source }) => source).join('|'), 'gi');

export function rewriteStatement(sql: string): string {
  if (UNKNOWN_REGISTERS.test(sql))
    return HARMLESS.padEnd(sql.length).slice(0, Math.max(sql.length, HARMLESS.length));
  return sql.replaceAll(SOUGHT, (found, ...rest) => {
    const { quote, hex } = rest.at(-1) as Record<string, string | undefined>;
    if (hex !== undefined) return HEX_OF_TEXT_NAME;
    return quote === undefined ? found : `${quote}${CATALOGUE_SCHEMA}${quote}`;
  });
}
