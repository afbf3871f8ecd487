/**
 * What of a client's SQL the stand-in's database cannot take as it is. Every change keeps the length, so that no
 * length field around the text has to be touched, and treats the text as bytes (latin1): only ASCII is compared.
 */

/** Derby refuses schemas that begin with SYS, so the catalogue views stand in one with a name as long as SYSCAT. */
export const CATALOGUE_SCHEMA = 'CATSYS';

const HARMLESS = 'SET CURRENT ISOLATION CS';
/** Special registers that Derby lacks. */
const UNKNOWN_REGISTERS = /^\s*SET\s+(CLIENT\b|CURRENT\s+LOCALE\b)/i;
/** A string literal (kept), or the catalogue's schema before a dot, quoted or not. */
const LITERAL_OR_CATALOGUE = /'(?:[^']|'')*'|(?<![\w$.#@"])("?)SYSCAT\1(?=\s*\.)/gi;

export function rewriteStatement(sql: string): string {
  if (UNKNOWN_REGISTERS.test(sql))
    return HARMLESS.padEnd(sql.length).slice(0, Math.max(sql.length, HARMLESS.length));
  return sql.replaceAll(LITERAL_OR_CATALOGUE, (found: string, quote: string | undefined) =>
    found.startsWith("'") ? found : `${quote ?? ''}${CATALOGUE_SCHEMA}${quote ?? ''}`,
  );
}
