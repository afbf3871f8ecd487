import { FicusError, reasonOf } from '#core/errors';

/**
 * Db2's errors by SQLSTATE class (Db2 message reference, "SQLSTATE values and common error codes"), as Ficus's.
 * IBM's driver puts the state into the message; the SQLCODE beside it is only shown.
 */
const STATE = /SQLSTATE=([0-9A-Z]{5})/;

/**
 * The connection is gone, or the server is: 08 connection exceptions, 40003 unknown outcome, 54068 a reroute that did
 * not get through, 57/58 resources, system.
 */
const GONE = /^(08|40003|54068|57|58|28000|HY|S1|01S)/;
/** Rolled back or refused because of a lock: the same call may succeed. */
const LOCKED = new Set(['40001', '57033']);

export function stateOf(error: unknown): string | null {
  return STATE.exec(reasonOf(error))?.[1] ?? null;
}

/** An error of the driver as a FicusError; one that already is passes. */
export function mapError(error: unknown): FicusError {
  if (error instanceof FicusError) return error;
  const state = stateOf(error);
  const message = reasonOf(error).replaceAll(/\s+/g, ' ').trim() || 'the driver gives no reason';
  if (state === null)
    return new FicusError('legacy_unavailable', `Db2: ${message}`, { cause: error, retryable: true });
  if (LOCKED.has(state)) {
    return new FicusError('legacy_unavailable', `Db2 gave a lock up: ${message}`, {
      cause: error,
      retryable: true,
    });
  }
  if (GONE.test(state)) {
    return new FicusError('legacy_unavailable', `Db2 cannot be reached: ${message}`, {
      cause: error,
      retryable: true,
    });
  }
  if (state.startsWith('22') || state.startsWith('23'))
    return new FicusError('legacy_constraint', `Db2: ${message}`, { cause: error });
  return new FicusError('legacy_unavailable', `Db2 refuses the statement: ${message}`, { cause: error });
}
