import { describe, expect, it } from 'vitest';
import { ERROR_CODES, FicusError } from './errors.ts';
import { problem, problemOf, retryAfter, statusOf } from './problem.ts';

describe('problem', () => {
  it('gives every code a status of an error and a type of its own', () => {
    const problems = ERROR_CODES.map((code) => problem(code, 'why', 'urn:x'));
    expect(problems.every(({ status }) => status >= 400 && status < 600)).toBe(true);
    expect(new Set(problems.map(({ type }) => type)).size).toBe(ERROR_CODES.length);
  });

  it('carries the faults of an error as pointers', () => {
    const faults = [{ pointer: '/amount', message: 'is required' }];
    const thrown = new FicusError('body_invalid', '1 fault', { faults });
    expect(problemOf(thrown, 'urn:ficus:request:1')).toEqual({
      type: 'urn:ficus:problem:body-invalid',
      title: 'The body breaks the schema',
      status: 400,
      detail: '1 fault',
      instance: 'urn:ficus:request:1',
      code: 'body_invalid',
      errors: [{ pointer: '/amount', detail: 'is required' }],
    });
  });

  it('shows nothing of a bug', () => {
    const shown = problemOf(new Error('password=hunter2'), 'urn:x');
    expect(shown.code).toBe('internal_error');
    expect(JSON.stringify(shown)).not.toContain('hunter2');
  });

  it('asks to retry only what may pass', () => {
    expect(retryAfter(new FicusError('mongo_unavailable', 'gone', { retryable: true }))).toBe(1);
    expect(retryAfter(new FicusError('body_invalid', 'no'))).toBeNull();
    expect(retryAfter(new Error('bug'))).toBeNull();
  });

  it('separates what a client sent from what a store holds', () => {
    expect([statusOf('key_invalid'), statusOf('query_invalid'), statusOf('value_invalid')]).toEqual([
      400, 400, 500,
    ]);
  });
});
