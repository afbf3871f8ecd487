import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { FicusError } from '#core/errors';
import { PROBLEM_TYPE, problemOf } from '#core/problem';

/** Bytes of a request's line and headers together: a cursor over long texts must fit. */
export const HEAD_LIMIT = 65_536;

/**
 * Answers what Node's HTTP parser refuses before there is a request (an unknown method, a head that is too long), as
 * every other failure is answered. For Fastify's `clientErrorHandler`.
 */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const problem = problemOf(namedError(error), `urn:ficus:request:${randomUUID()}`);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** The codes are Node's (llhttp). */
function namedError(error: NodeJS.ErrnoException): FicusError {
  const cause = error;
  if (error.code === 'HPE_HEADER_OVERFLOW')
    return new FicusError(
      'head_too_large',
      `the request's line and headers are longer than ${HEAD_LIMIT} bytes`,
      {
        cause,
      },
    );
  if (error.code === 'HPE_INVALID_METHOD')
    return new FicusError('request_invalid', 'the method of the request is none of HTTP', { cause });
  return new FicusError('request_invalid', `the request is no HTTP/1.1: ${error.message}`, { cause });
}
