import { FicusError, reasonOf } from '#core/errors';

/** Seventeen digits in a row may be an integer that a JavaScript number cannot hold. */
const LONG_NUMBER = /\d{16}/;

/**
 * Parses JSON without losing digits: integers beyond 2^53 become BigInt, everything else is as in `JSON.parse`.
 * (A fraction is only ever a double on Debezium's wire, so a number holds it.)
 * @throws FicusError `event_unparsable`.
 */
export function parseLossless(text: string): unknown {
  try {
    if (!LONG_NUMBER.test(text)) return JSON.parse(text);
    return JSON.parse(text, (_name, value: unknown, context?: { source?: string }) => {
      if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
      const source = context?.source ?? '';
      return /^-?\d+$/.test(source) ? BigInt(source) : value;
    });
  } catch (cause) {
    throw new FicusError('event_unparsable', `not JSON: ${reasonOf(cause)}`, { cause });
  }
}
