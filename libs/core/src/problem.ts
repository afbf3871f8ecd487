import { type ErrorCode, type Fault, FicusError } from './errors.ts';

/** The body of every failed answer: application/problem+json (RFC 9457), with Ficus's own `code` and `errors`. */
export interface Problem {
  /** Names the kind of problem, the same for ever; it is a name, not an address. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** Names this very occurrence; the log has the cause of a 5xx under it. */
  readonly instance: string;
  readonly code: ErrorCode;
  /** Every fault of the request, `pointer` as RFC 6901 has it. Of a query string, the pointer goes into its parameters. */
  readonly errors: readonly { readonly pointer: string; readonly detail: string }[];
}

export const PROBLEM_TYPE = 'application/problem+json';

interface Kind {
  readonly status: number;
  readonly title: string;
}

/**
 * The one table from code to HTTP status. What a client sent is reported as body_invalid, key_invalid or
 * query_invalid; `value_invalid` reaches this table only when a store holds a value that has no canonical form.
 */
const KINDS: Readonly<Record<ErrorCode, Kind>> = {
  body_invalid: { status: 400, title: 'The body breaks the schema' },
  body_too_large: { status: 413, title: 'The body is too large' },
  connector_failed: { status: 502, title: 'The connector failed' },
  cursor_expired: { status: 410, title: 'The cursor has outlived its store' },
  cursor_invalid: { status: 400, title: 'The cursor does not belong to this list' },
  document_exists: { status: 409, title: 'A document with this key exists' },
  document_unknown: { status: 404, title: 'No document with this key' },
  event_unparsable: { status: 500, title: 'A change event could not be parsed' },
  event_unsupported: { status: 500, title: 'A change event is of no supported kind' },
  guard_failed: { status: 409, title: 'A guard stands against it' },
  head_too_large: { status: 431, title: 'The request line or the headers are too long' },
  internal_error: { status: 500, title: 'Ficus failed' },
  job_empty: { status: 422, title: 'The run compared nothing' },
  kafka_unavailable: { status: 503, title: 'Kafka cannot be reached' },
  key_invalid: { status: 400, title: 'The key breaks the schema' },
  legacy_constraint: { status: 422, title: 'The legacy database refuses the values' },
  legacy_unavailable: { status: 503, title: 'The legacy database cannot be reached' },
  letter_unknown: { status: 404, title: 'No such dead letter' },
  log_replaced: { status: 500, title: 'A topic was made anew' },
  media_type_unsupported: { status: 415, title: 'The media type is not supported' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  mongo_unavailable: { status: 503, title: 'MongoDB cannot be reached' },
  phase_unbuilt: { status: 501, title: 'The phase is not built yet' },
  plan_invalid: { status: 500, title: 'The plan does not fit' },
  query_invalid: { status: 400, title: 'The query is faulty' },
  redis_unavailable: { status: 503, title: 'Redis cannot be reached' },
  registry_unavailable: { status: 503, title: 'The schema registry cannot be reached' },
  replication_stalled: { status: 503, title: 'Replication stands still' },
  request_invalid: { status: 400, title: 'The request is faulty' },
  route_unknown: { status: 404, title: 'Nothing stands at this address' },
  setting_invalid: { status: 500, title: 'A setting is faulty' },
  state_conflict: { status: 409, title: 'The unit has changed meanwhile' },
  system_unknown: { status: 404, title: 'No such legacy system' },
  table_truncated: { status: 500, title: 'A table was truncated' },
  too_many_failures: { status: 500, title: 'Too many records cannot be applied' },
  transition_unknown: { status: 404, title: 'No such transition' },
  unit_read_only: { status: 405, title: 'The unit is read only' },
  unit_unknown: { status: 404, title: 'No such unit' },
  value_invalid: { status: 500, title: 'A stored value cannot be shown exactly' },
  verification_unknown: { status: 404, title: 'No such verification' },
  version_incomparable: { status: 500, title: 'Versions cannot be compared' },
};

export function statusOf(code: ErrorCode): number {
  return KINDS[code].status;
}

/** @param instance a URI that names the occurrence, see `Problem`. */
export function problem(
  code: ErrorCode,
  detail: string,
  instance: string,
  faults: readonly Fault[] = [],
): Problem {
  const { status, title } = KINDS[code];
  return {
    type: `urn:ficus:problem:${code.replaceAll('_', '-')}`,
    title,
    status,
    detail,
    instance,
    code,
    errors: faults.map(({ pointer, message }) => ({ pointer, detail: message })),
  };
}

/** The problem to answer for anything that was thrown. What nobody threw on purpose is not shown to the client. */
export function problemOf(thrown: unknown, instance: string): Problem {
  if (thrown instanceof FicusError) return problem(thrown.code, thrown.message, instance, thrown.faults);
  return problem(
    'internal_error',
    'Ficus failed at this request; its log names the cause under the instance',
    instance,
  );
}

/** Seconds after which a client may try the same request again, or null when it would not help. */
export function retryAfter(thrown: unknown): number | null {
  return thrown instanceof FicusError && thrown.retryable ? 1 : null;
}
