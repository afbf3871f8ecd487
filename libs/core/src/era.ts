import { yearText } from './calendar.ts';

/**
 * Dates and timestamps beyond the years 1 to 9999 as PostgreSQL writes them, `0044-03-15 10:00:00+00 BC`, and as ISO 8601
 * with expanded years does, `-000043-03-15T10:00:00Z`. What is neither passes unchanged: `infinity`, say.
 */
export function isoFromEra(text: string): string {
  const match = /^(\d{4,7})(-.*?)( BC)?$/.exec(text);
  if (match === null) return text;
  const [, year, rest = '', era] = match;
  return `${yearText(era === undefined ? Number(year) : 1 - Number(year))}${rest}`;
}

export function eraFromIso(text: string): string {
  const match = /^([+-]\d{6}|\d{4})(-\d{2}-\d{2}.*)$/.exec(text);
  if (match === null) return text;
  const year = Number(match[1]);
  const written = String(year > 0 ? year : 1 - year).padStart(4, '0');
  return `${written}${match[2]}${year > 0 ? '' : ' BC'}`;
}
