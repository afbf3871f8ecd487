import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import type { Problem } from '#core/problem';
import { FacadeRig, type Sent } from '#testing/facade-rig';

const ADA = { region: 'EU', number: '7', customer: { name: 'Ada' }, amount: '1.50' };

let rig: FacadeRig;

beforeEach(async () => {
  rig = await FacadeRig.start();
});

afterEach(async () => {
  await rig.stop();
});

function problemIn(sent: Sent): Problem {
  expect(sent.headers['content-type']).toMatch(/^application\/problem\+json/);
  const problem = JSON.parse(sent.body) as Problem;
  expect(problem.status).toBe(sent.status);
  expect(problem.instance).toMatch(/^urn:ficus:request:[0-9a-f-]{36}$/);
  return problem;
}

describe('a faulty request', () => {
  interface Case {
    readonly why: string;
    readonly method: string;
    readonly url: string;
    readonly body?: unknown;
    readonly headers?: Record<string, string>;
    readonly code: string;
    readonly status: number;
    readonly answers?: Record<string, string>;
  }
  const json = { 'content-type': 'application/json' };
  const cases: readonly Case[] = [
    { why: 'an unknown address', method: 'GET', url: '/v2/orders', code: 'route_unknown', status: 404 },
    { why: 'an unknown unit', method: 'GET', url: '/v1/bills', code: 'unit_unknown', status: 404 },
    {
      why: 'a method of an unknown unit',
      method: 'PUT',
      url: '/v1/bills',
      body: {},
      code: 'unit_unknown',
      status: 404,
    },
    {
      why: 'PUT on a collection',
      method: 'PUT',
      url: '/v1/orders',
      body: {},
      code: 'method_not_allowed',
      status: 405,
      answers: { allow: 'GET, HEAD, OPTIONS, POST' },
    },
    {
      why: 'POST on a document',
      method: 'POST',
      url: '/v1/orders/EU,7',
      body: {},
      code: 'method_not_allowed',
      status: 405,
      answers: { allow: 'GET, HEAD, OPTIONS, PUT, PATCH, DELETE' },
    },
    {
      why: 'a write of a read-only unit',
      method: 'POST',
      url: '/v1/archive',
      body: ADA,
      code: 'unit_read_only',
      status: 405,
      answers: { allow: 'GET, HEAD, OPTIONS' },
    },
    { why: 'a key of too few parts', method: 'GET', url: '/v1/orders/EU', code: 'key_invalid', status: 400 },
    { why: 'a key of another type', method: 'GET', url: '/v1/orders/EU,x', code: 'key_invalid', status: 400 },
    {
      why: 'a key that is not encoded',
      method: 'GET',
      url: '/v1/orders/%E0%A4%A,7',
      code: 'request_invalid',
      status: 400,
    },
    {
      why: 'an unknown parameter',
      method: 'GET',
      url: '/v1/orders?page=2',
      code: 'query_invalid',
      status: 400,
    },
    {
      why: 'a cursor that is none',
      method: 'GET',
      url: '/v1/orders?cursor=x',
      code: 'cursor_invalid',
      status: 400,
    },
    {
      why: 'an unknown store',
      method: 'GET',
      url: '/v1/orders',
      headers: { 'ficus-read-from': 'db2' },
      code: 'request_invalid',
      status: 400,
    },
    { why: 'no body', method: 'POST', url: '/v1/orders', headers: json, code: 'body_invalid', status: 400 },
    { why: 'no JSON', method: 'POST', url: '/v1/orders', body: '{', code: 'body_invalid', status: 400 },
    {
      why: 'another media type',
      method: 'POST',
      url: '/v1/orders',
      body: 'a',
      headers: { 'content-type': 'text/plain' },
      code: 'media_type_unsupported',
      status: 415,
    },
    {
      why: 'plain JSON as a patch',
      method: 'PATCH',
      url: '/v1/orders/EU,7',
      body: {},
      headers: json,
      code: 'media_type_unsupported',
      status: 415,
      answers: { 'accept-patch': 'application/merge-patch+json' },
    },
    {
      why: 'a packed body',
      method: 'POST',
      url: '/v1/orders',
      body: 'x',
      headers: { ...json, 'content-encoding': 'gzip' },
      code: 'media_type_unsupported',
      status: 415,
    },
    {
      why: 'a body of over 1 MiB',
      method: 'POST',
      url: '/v1/orders',
      body: `"${'x'.repeat(1_048_576)}"`,
      code: 'body_too_large',
      status: 413,
    },
  ];
  it.each(cases)(
    'of $why gets $status $code',
    async ({ method, url, body, headers, code, status, answers }) => {
      const sent = await rig.send(method, url, { body, ...(headers === undefined ? {} : { headers }) });
      const problem = problemIn(sent);
      expect(problem).toMatchObject({ code, status });
      expect(sent.headers).toMatchObject(answers ?? {});
    },
  );

  it('names every fault of the body with its pointer', async () => {
    const sent = await rig.send('POST', '/v1/orders', {
      body: { ...ADA, amount: 1.5, pieces: 'x', extra: {}, more: 1 },
    });
    expect(
      problemIn(sent)
        .errors.map(({ pointer }) => pointer)
        .sort(),
    ).toEqual(['/amount', '/extra', '/more', '/pieces']);
  });

  it('refuses bytes that are no text', async () => {
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const sent = await rig.send('POST', '/v1/orders', { headers, body: Buffer.from([0x22, 0xff, 0x22]) });
    expect(problemIn(sent)).toMatchObject({ code: 'body_invalid', detail: 'the body is not UTF-8' });
  });

  it('gets 409 for a key that is taken', async () => {
    await rig.send('POST', '/v1/orders', { body: ADA });
    expect(problemIn(await rig.send('POST', '/v1/orders', { body: ADA })).code).toBe('document_exists');
  });

  it('gets 503 with Retry-After when legacy is away', async () => {
    rig.legacy.failure = new FicusError('legacy_unavailable', 'shop: connection refused', {
      retryable: true,
    });
    const sent = await rig.send('GET', '/v1/orders/EU,7');
    expect(problemIn(sent).code).toBe('legacy_unavailable');
    expect(sent.headers['retry-after']).toBe('1');
  });

  it('answers OPTIONS with what is allowed', async () => {
    expect(await rig.send('OPTIONS', '/v1/orders')).toMatchObject({
      status: 204,
      headers: { allow: 'GET, HEAD, OPTIONS, POST' },
    });
    expect((await rig.send('OPTIONS', '/v1/orders/EU,7')).headers).toMatchObject({
      allow: 'GET, HEAD, OPTIONS, PUT, PATCH, DELETE',
      'accept-patch': 'application/merge-patch+json',
    });
  });
});
