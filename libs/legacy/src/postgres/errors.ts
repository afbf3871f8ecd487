import pg from 'pg';
import { type ErrorCode, FicusError, reasonOf } from '#core/errors';

const { DatabaseError } = pg;

interface Kind {
  readonly code: ErrorCode;
  readonly retryable: boolean;
}

const GONE: Kind = { code: 'legacy_unavailable', retryable: true };
const REFUSED: Kind = { code: 'legacy_unavailable', retryable: false };
const CONSTRAINT: Kind = { code: 'legacy_constraint', retryable: false };
const PLAN: Kind = { code: 'plan_invalid', retryable: false };

/**
 * PostgreSQL's SQLSTATE (documentation, appendix "PostgreSQL Error Codes") by its longest known beginning. Whatever
 * would pass if the call came again is retryable: a lost connection, a server that starts or stops, a lock or a
 * statement given up, a transaction that lost against another one, a server that is a standby after a failover.
 */
const KINDS: Readonly<Record<string, Kind>> = {
  '08': GONE,
  '22': CONSTRAINT,
  '23': CONSTRAINT,
  '25006': GONE,
  '25P03': GONE,
  '25P04': GONE,
  '28': REFUSED,
  '3D': REFUSED,
  '40': GONE,
  '428C9': CONSTRAINT,
  '42501': { code: 'setting_invalid', retryable: false },
  '42703': PLAN,
  '42P01': PLAN,
  '44': CONSTRAINT,
  '53': GONE,
  '55P03': GONE,
  '57': GONE,
  '58': GONE,
  // A cached plan whose result changes its type: the table was altered a moment ago.
  '0A000': GONE,
  // What a trigger raises.
  P0001: CONSTRAINT,
};

/** The server's error behind a FicusError (or the error itself), null when it is not one of the server's. */
export function serverError(error: unknown): InstanceType<typeof DatabaseError> | null {
  if (error instanceof DatabaseError) return error;
  return error instanceof FicusError && error.cause instanceof DatabaseError ? error.cause : null;
}

/**
 * An error that a call of the driver threw, as Ficus's. Anything that the server did not say itself is a connection
 * that could not be had or broke. A message names table, constraint and columns, and no value beyond the server's own.
 */
export function legacyError(system: string, error: unknown): FicusError {
  if (error instanceof FicusError) return error;
  const known = serverError(error);
  if (known === null) {
    const reason = error instanceof AggregateError ? error.errors.map(reasonOf).join('; ') : reasonOf(error);
    return new FicusError('legacy_unavailable', `system ${system} cannot be reached: ${reason}`, {
      cause: error,
      retryable: true,
    });
  }
  const { code, retryable } = kindOf(known.code ?? '');
  const hint = known.code === '42P01' && known.message.includes('"ficus.') ? '; run `ficus migrate`' : '';
  return new FicusError(
    hint === '' ? code : 'setting_invalid',
    `system ${system}: ${known.message}${placeOf(known)} (SQLSTATE ${known.code ?? 'unknown'})${hint}`,
    { cause: error, retryable },
  );
}

/** The connection broke while COMMIT was on its way. */
export function unknownOutcome(system: string, error: unknown): FicusError {
  return new FicusError(
    'legacy_unavailable',
    `system ${system}: it is not known whether the change was committed: ${reasonOf(error)}`,
    { cause: error, retryable: true },
  );
}

/** Is the session over, or in a state that nobody knows? */
export function endsSession(error: unknown): boolean {
  const known = serverError(error);
  if (known === null) return !(error instanceof FicusError) || error.code === 'legacy_unavailable';
  return /^(08|57P0)/.test(known.code ?? '') || known.severity === 'FATAL';
}

function kindOf(state: string): Kind {
  for (let length = state.length; length > 0; length--) {
    const kind = KINDS[state.slice(0, length)];
    if (kind !== undefined) return kind;
  }
  return REFUSED;
}

/** Table and columns that an error names; null when it names none. */
export function placeOfError(
  error: InstanceType<typeof DatabaseError>,
): { readonly table: string; readonly columns: readonly string[] } | null {
  if (error.table === undefined) return null;
  return { table: `${error.schema ?? ''}.${error.table}`, columns: columnsOf(error)?.split(', ') ?? [] };
}

/** Of `Key (a, b)=(1, 2) ...` the names only, since the values are the client's own. */
function columnsOf(error: InstanceType<typeof DatabaseError>): string | undefined {
  return error.column ?? /\(([^()]*)\)=\(/.exec(error.detail ?? '')?.[1];
}

function placeOf(error: InstanceType<typeof DatabaseError>): string {
  const columns = columnsOf(error);
  const parts = [
    error.table === undefined ? null : `table ${error.schema ?? ''}.${error.table}`,
    error.constraint === undefined ? null : `constraint ${error.constraint}`,
    columns === undefined ? null : `column ${columns}`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? '' : `; ${parts.join(', ')}`;
}
