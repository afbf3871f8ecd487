/**
 * Every failure that Ficus reports on purpose carries one of these codes. The tuple is sorted and closed: a code
 * is part of the API (problem+json `code`) and of the dead letters, so it is never renamed.
 */
export const ERROR_CODES = [
  'body_invalid',
  'body_too_large',
  'connector_failed',
  'cursor_expired',
  'cursor_invalid',
  'document_exists',
  'document_unknown',
  'event_unparsable',
  'event_unsupported',
  'guard_failed',
  'head_too_large',
  'internal_error',
  'job_empty',
  'kafka_unavailable',
  'key_invalid',
  'legacy_constraint',
  'legacy_unavailable',
  'letter_unknown',
  'log_replaced',
  'media_type_unsupported',
  'method_not_allowed',
  'mongo_unavailable',
  'phase_unbuilt',
  'plan_invalid',
  'query_invalid',
  'redis_unavailable',
  'registry_unavailable',
  'replication_stalled',
  'request_invalid',
  'route_unknown',
  'setting_invalid',
  'state_conflict',
  'system_unknown',
  'table_truncated',
  'too_many_failures',
  'transition_unknown',
  'unit_read_only',
  'unit_unknown',
  'value_invalid',
  'verification_unknown',
  'version_incomparable',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** One fault among several, e.g. of a request body (`pointer` is an RFC 6901 JSON pointer) or of a plan. */
export interface Fault {
  readonly pointer: string;
  readonly message: string;
}

export interface ErrorDetails {
  readonly cause?: unknown;
  /** The same call may succeed later without a change by anybody: a dropped connection, an election, a lock timeout. */
  readonly retryable?: boolean;
  readonly faults?: readonly Fault[];
}

/** A failure that somebody outside can act on. Bugs are `assert`ed instead. */
export class FicusError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly faults: readonly Fault[];

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'FicusError';
    this.code = code;
    this.retryable = details.retryable ?? false;
    this.faults = details.faults ?? [];
  }
}

/** The message of anything that was thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** A programming error: the caller broke a contract that the types could not hold. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`broken assumption: ${message}`);
}

/** For the `default` of a switch over a closed union: the compiler proves that it is never reached. */
export function unreachable(value: never): never {
  throw new Error(`broken assumption: ${JSON.stringify(value)} is none of the cases`);
}
