import { FicusError, reasonOf } from '#core/errors';

/** An event's own times in nanoseconds: the numbers beyond 2^53 that every event has, and that nobody needs. */
const NANOS = 'ts_ns';

/**
 * Parses JSON without losing digits: integers beyond 2^53 become BigInt, everything else is as in `JSON.parse`.
 * (A fraction is only ever a double on Debezium's wire, so a number holds it.) Of an event's own `ts_ns` digits are lost.
 * @throws FicusError `event_unparsable`.
 */
export function parseLossless(text: string): unknown {
  try {
    return parsedPlainly(text) ?? JSON.parse(text, lossless);
  } catch (cause) {
    throw new FicusError('event_unparsable', `not JSON: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * To look at every number's text is many times the work, so it is left to texts that have one which is not exact: by its
 * value that can be told too. Null: there is one, beside an event's own times.
 */
function parsedPlainly(text: string): unknown {
  const parsed: unknown = JSON.parse(text);
  if (!isObject(parsed) || !isObject(parsed.source) || !('op' in parsed && 'after' in parsed))
    return isExact(parsed) ? parsed : null;
  for (const name in parsed) {
    if (name === NANOS || name === 'source') continue;
    if (!isExact(parsed[name])) return null;
  }
  for (const name in parsed.source) if (name !== NANOS && !isExact(parsed.source[name])) return null;
  return parsed;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whatever the text of an integer beyond 2^53, as a number it is none that is safe. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value) || !Number.isInteger(value);
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isExact);
  for (const name in value) if (!isExact((value as Readonly<Record<string, unknown>>)[name])) return false;
  return true;
}

function lossless(_name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}
