import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { type ErrorCode, FicusError } from '#core/errors';
import { endsSession, legacyError, unknownOutcome } from './errors.ts';

function serverSays(code: string, given: object = {}): Error {
  return Object.assign(new pg.DatabaseError('it failed', 0, 'error'), { code, severity: 'ERROR', ...given });
}

describe('an error', () => {
  interface Case {
    readonly state: string;
    readonly code: ErrorCode;
    readonly retryable: boolean;
  }
  const cases: readonly Case[] = [
    { state: '08006', code: 'legacy_unavailable', retryable: true },
    { state: '57P01', code: 'legacy_unavailable', retryable: true },
    { state: '57014', code: 'legacy_unavailable', retryable: true },
    { state: '53300', code: 'legacy_unavailable', retryable: true },
    { state: '55P03', code: 'legacy_unavailable', retryable: true },
    { state: '40001', code: 'legacy_unavailable', retryable: true },
    { state: '40P01', code: 'legacy_unavailable', retryable: true },
    { state: '25006', code: 'legacy_unavailable', retryable: true },
    { state: '28P01', code: 'legacy_unavailable', retryable: false },
    { state: '3D000', code: 'legacy_unavailable', retryable: false },
    { state: 'XX000', code: 'legacy_unavailable', retryable: false },
    { state: '23505', code: 'legacy_constraint', retryable: false },
    { state: '22001', code: 'legacy_constraint', retryable: false },
    { state: '44000', code: 'legacy_constraint', retryable: false },
    { state: 'P0001', code: 'legacy_constraint', retryable: false },
    { state: '428C9', code: 'legacy_constraint', retryable: false },
    { state: '42703', code: 'plan_invalid', retryable: false },
    { state: '42501', code: 'setting_invalid', retryable: false },
  ];

  test.each(cases)('$state is $code, retryable: $retryable', ({ state, code, retryable }) => {
    const error = legacyError('shop', serverSays(state));
    expect(error).toMatchObject({ code, retryable });
    expect(error.message).toBe(`system shop: it failed (SQLSTATE ${state})`);
  });

  test('names table, constraint and columns, and no values', () => {
    const said = serverSays('23505', {
      schema: 'public',
      table: 'person',
      constraint: 'person_iban',
      detail: 'Key (iban, name)=(DE12, Meier) already exists.',
    });
    expect(legacyError('shop', said).message).toBe(
      'system shop: it failed; table public.person, constraint person_iban, column iban, name (SQLSTATE 23505)',
    );
  });

  test('of a missing control table says what to do', () => {
    const said = Object.assign(serverSays('42P01'), { message: 'relation "ficus.heartbeat" does not exist' });
    expect(legacyError('shop', said)).toMatchObject({
      code: 'setting_invalid',
      message: /run `ficus migrate`$/,
    });
  });

  test('that the server did not say is a connection that broke', () => {
    const refused = new AggregateError([
      new Error('connect ECONNREFUSED ::1'),
      new Error('connect ECONNREFUSED'),
    ]);
    expect(legacyError('shop', refused)).toMatchObject({
      code: 'legacy_unavailable',
      retryable: true,
      message: 'system shop cannot be reached: connect ECONNREFUSED ::1; connect ECONNREFUSED',
    });
  });

  test('that is one of ours passes', () => {
    const ours = new FicusError('value_invalid', 'x');
    expect(legacyError('shop', ours)).toBe(ours);
  });
});

describe('a session', () => {
  test.each([
    { error: serverSays('23505'), ends: false },
    { error: serverSays('57014'), ends: false },
    { error: serverSays('57P01'), ends: true },
    { error: serverSays('XX000', { severity: 'FATAL' }), ends: true },
    { error: new Error('Connection terminated unexpectedly'), ends: true },
    { error: new FicusError('value_invalid', 'x'), ends: false },
    { error: legacyError('shop', new Error('Query read timeout')), ends: true },
    { error: legacyError('shop', serverSays('23505')), ends: false },
  ])('ends with $error: $ends', ({ error, ends }) => {
    expect(endsSession(error)).toBe(ends);
  });
});

test('nothing is known about a COMMIT without an answer', () => {
  expect(unknownOutcome('shop', new Error('gone'))).toMatchObject({
    code: 'legacy_unavailable',
    retryable: true,
  });
});
