import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answerClientError, HEAD_LIMIT } from './client-error.ts';

let server: Server;

beforeAll(async () => {
  server = createServer({ maxHeaderSize: HEAD_LIMIT }, (_request, response) => response.end('fine'));
  server.on('clientError', answerClientError);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterAll(() => {
  server.close();
});

async function send(request: string): Promise<string> {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.end(request);
  return await text(socket);
}

interface Case {
  readonly what: string;
  readonly request: string;
  readonly status: number;
  readonly code: string;
}

const cases: readonly Case[] = [
  {
    what: 'a method that is none',
    request: 'STEAL / HTTP/1.1\r\nhost: x\r\n\r\n',
    status: 400,
    code: 'request_invalid',
  },
  { what: 'no HTTP at all', request: 'hello\r\n\r\n', status: 400, code: 'request_invalid' },
  {
    what: 'a line that is too long',
    request: `GET /${'x'.repeat(HEAD_LIMIT)} HTTP/1.1\r\nhost: x\r\n\r\n`,
    status: 431,
    code: 'head_too_large',
  },
];

it.each(cases)('$what is answered by a problem', async ({ request, status, code }) => {
  const [head = '', body = ''] = (await send(request)).split('\r\n\r\n');
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain('content-type: application/problem+json');
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
  expect(JSON.parse(body)).toMatchObject({ status, code });
});
