import { z } from 'zod';
import { type ErrorCode, FicusError } from '#core/errors';
import { PHASES } from '#core/phase';
import { pointerOf } from '#core/pointer';
import { LETTER_STATES } from '#core/ports/dead-letters';
import { shownValue } from '#core/refusal';

/** POST units/{unit}/transitions. */
export const flipBody = z.strictObject({
  to: z.enum(PHASES),
  reason: z.string().trim().min(1, 'must say why, for the history').max(1_000),
  dryRun: z.boolean().default(false),
});

/** POST systems/{system}/resnapshot. */
export const resnapshotBody = z.strictObject({
  reason: z.string().trim().min(1, 'must say why, for the history').max(1_000),
  newEpoch: z.boolean().default(false),
});

/** POST units/{unit}/verifications: nothing to say yet. */
export const verifyBody = z.strictObject({}).nullish();

export const noQuery = z.strictObject({});

const LIMIT = { default: 50, max: 1_000 };

/** Query of every list. */
export const limitQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT.max).default(LIMIT.default),
});

export const groupQuery = z.strictObject({ unit: z.string().min(1).optional() });

export const deadLetterQuery = limitQuery.extend({
  unit: z.string().min(1).optional(),
  state: z.enum(LETTER_STATES).optional(),
});

const said = z.string().min(1).optional();

/** POST dead-letters/orders: which letters, what to do with them, and why. */
export const letterOrderBody = z
  .strictObject({
    unit: z.string().min(1),
    ...{ id: said, topic: said, code: said, cause: said },
    all: z.literal(true).optional(),
    what: z.enum(['replay', 'discard']),
    reason: z.string().trim().min(1, 'must say why, for the history').max(1_000),
    dryRun: z.boolean().default(false),
  })
  .refine(
    ({ id, topic, code, cause, all }) => [id, topic, code, cause, all].some((one) => one !== undefined),
    {
      message: 'must say which letters: one of id, topic, code, cause, or all: true',
    },
  );

/** @throws FicusError naming every fault by its JSON pointer (RFC 6901). */
export function parse<T>(schema: z.ZodType<T>, value: unknown, code: ErrorCode = 'body_invalid'): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => {
    const path = issue.path.map(String);
    const paths = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path];
    return paths.map((one) => ({ pointer: pointerOf(one), message: messageOf(issue, valueAt(value, one)) }));
  });
  const shown = faults.map(({ pointer, message }) => `${pointer || 'the whole'}: ${message}`).join('; ');
  throw new FicusError(code, shown, { faults });
}

function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'unrecognized_keys') return 'is not a member of this request';
  const legal = legalOf(issue);
  if (legal === null) return issue.message;
  return value === undefined
    ? `is missing; legal is ${legal}`
    : `${shownValue(value)} is not legal here; legal is ${legal}`;
}

/** Null: the schema has a message of its own. */
function legalOf(issue: z.core.$ZodIssue): string | null {
  switch (issue.code) {
    case 'invalid_value':
      return issue.values.map(String).join(', ');
    case 'invalid_type':
      return `a value of type ${issue.expected}`;
    case 'too_big':
      return `at most ${issue.maximum}${issue.origin === 'string' ? ' characters' : ''}`;
    case 'too_small':
      return issue.origin === 'string' ? null : `at least ${issue.minimum}`;
    default:
      return null;
  }
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === 'object' && at !== null && Object.hasOwn(at, name)
        ? (at as Record<string, unknown>)[name]
        : undefined,
    value,
  );
}
