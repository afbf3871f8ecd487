import { FicusError, reasonOf } from '#core/errors';

/** Digits in a row that may be an integer which a JavaScript number cannot hold (2^53 is 9007199254740992). */
const LONG_NUMBER = /9\d{15}|\d{17}/;

/** An event's own times in nanoseconds: the one number beyond 2^53 that every event has, and that nobody needs. */
const NANOS = /(?<!\\)"ts_ns":\d+/g;

/**
 * Parses JSON without losing digits: integers beyond 2^53 become BigInt, everything else is as in `JSON.parse`.
 * (A fraction is only ever a double on Debezium's wire, so a number holds it.)
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
 * To look at every number is thrice the work, so it is left to texts that have a long one; an event's own two `ts_ns`
 * are taken out before. Null where that does not do, as for a row with a column of that name.
 */
function parsedPlainly(text: string): unknown {
  let count = 0;
  const shorter = text.replaceAll(NANOS, () => {
    count += 1;
    return '"ts_ns":null';
  });
  if (LONG_NUMBER.test(shorter)) return null;
  const parsed: unknown = JSON.parse(shorter);
  if (count === 0) return parsed;
  return count === 2 && hasNanos(parsed) && 'source' in parsed && hasNanos(parsed.source) ? parsed : null;
}

function hasNanos(value: unknown): value is { readonly ts_ns: null } {
  return typeof value === 'object' && value !== null && 'ts_ns' in value && value.ts_ns === null;
}

function lossless(_name: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source ?? '';
  return /^-?\d+$/.test(source) ? BigInt(source) : value;
}
