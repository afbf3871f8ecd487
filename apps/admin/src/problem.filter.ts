import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, FicusError, reasonOf } from '#core/errors';
import { PROBLEM_TYPE, problemOf, retryAfter } from '#core/problem';
import type { Logger } from '#observability/log';
import type { AllowedMethods } from './allowed-methods.ts';
import { GuardRefusal } from './flip.ts';

/** Codes of what the HTTP server itself refuses, before a controller sees it. */
const SERVER_CODES: Readonly<Record<number, ErrorCode>> = {
  400: 'body_invalid',
  404: 'route_unknown',
  413: 'body_too_large',
  415: 'media_type_unsupported',
};

/** Makes every failure a problem+json answer. A refusal by guards carries them all in its member `guards`. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #allowed: AllowedMethods;
  readonly #log: Logger;

  constructor(allowed: AllowedMethods, log: Logger) {
    this.#allowed = allowed;
    this.#log = log;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const path = request.url.split('?')[0] ?? '';
    const error = this.#named(thrown, request.method, path);
    const problem = problemOf(error, `urn:ficus:request:${request.id}`);
    const { status, instance, code } = problem;
    if (status >= 500)
      this.#log.error({ err: error, instance, code, method: request.method, url: path }, problem.detail);
    const seconds = retryAfter(error);
    if (seconds !== null) reply.header('retry-after', String(seconds));
    if (status === 405) reply.header('allow', (this.#allowed.at(path) ?? []).join(', '));
    const body = error instanceof GuardRefusal ? { ...problem, guards: error.guards } : problem;
    void reply.code(status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(body));
  }

  /** A failure of the server's own as one of Ficus's. */
  #named(thrown: unknown, method: string, path: string): unknown {
    const status = statusIn(thrown);
    if (thrown instanceof FicusError || status === null || status >= 500) return thrown;
    const cause = thrown;
    const allowed = this.#allowed.at(path);
    if (status === 404 && allowed !== null && !allowed.includes(method)) {
      const legal = allowed.join(', ');
      return new FicusError('method_not_allowed', `${method} is not allowed at ${path}; legal is ${legal}`, {
        cause,
      });
    }
    const code = SERVER_CODES[status] ?? 'request_invalid';
    if (code === 'route_unknown') return new FicusError(code, `nothing stands at ${path}`, { cause });
    const message = reasonOf(thrown);
    return new FicusError(code, message, { cause, faults: [{ pointer: '', message }] });
  }
}

/** Of Nest's and of Fastify's own errors. */
function statusIn(thrown: unknown): number | null {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number')
    return thrown.statusCode;
  return null;
}
