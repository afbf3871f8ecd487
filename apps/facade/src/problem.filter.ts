import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, FicusError } from '#core/errors';
import { PROBLEM_TYPE, problemOf, retryAfter } from '#core/problem';
import type { Logger } from '#observability/log';
import { sourceHeaders } from './answer.ts';
import { PATCH_TYPE } from './body.ts';
import { UnknownDocument } from './document-reader.ts';
import { allowOf, placeOf } from './methods.ts';
import type { UnitRegistry } from './unit-registry.ts';

/** Codes of what the HTTP server itself refuses, before a controller sees it. */
const SERVER_CODES: Readonly<Record<number, ErrorCode>> = {
  404: 'route_unknown',
  413: 'body_too_large',
  415: 'media_type_unsupported',
};

/** Makes every failure a problem+json answer, see problem.ts. What is our fault is logged under the same instance. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #registry: UnitRegistry;
  readonly #log: Logger;

  constructor(registry: UnitRegistry, log: Logger) {
    this.#registry = registry;
    this.#log = log;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(thrown, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = this.#named(thrown, request);
    const problem = problemOf(error, `urn:ficus:request:${request.id}`);
    const { instance, status, code } = problem;
    if (status >= 500)
      this.#log.error(
        { err: error, instance, code, method: request.method, url: request.url },
        problem.detail,
      );
    for (const [name, value] of Object.entries(this.#headers(error, status, request)))
      reply.header(name, value);
    void reply.code(status).header('content-type', PROBLEM_TYPE).send(JSON.stringify(problem));
  }

  /** A failure of the server's own as one of Ficus's. */
  #named(thrown: unknown, request: FastifyRequest): unknown {
    const status = statusIn(thrown);
    if (thrown instanceof FicusError || status === null || status >= 500) return thrown;
    const cause = thrown;
    if (status !== 404)
      return new FicusError(SERVER_CODES[status] ?? 'request_invalid', (thrown as Error).message, { cause });
    const place = placeOf(pathOf(request));
    if (place === null)
      return new FicusError('route_unknown', `nothing stands at ${pathOf(request)}`, { cause });
    try {
      this.#registry.unit(place.unit);
    } catch (unknown) {
      return unknown;
    }
    return new FicusError('method_not_allowed', `${request.method} is not allowed at ${pathOf(request)}`, {
      cause,
    });
  }

  #headers(error: unknown, status: number, request: FastifyRequest): Record<string, string> {
    const headers: Record<string, string> = {};
    const seconds = retryAfter(error);
    if (seconds !== null) headers['retry-after'] = String(seconds);
    const place = placeOf(pathOf(request));
    if (error instanceof UnknownDocument) Object.assign(headers, sourceHeaders(error.source));
    else if (place !== null && this.#registry.has(place.unit))
      headers['ficus-phase'] = this.#registry.unit(place.unit).state.phase;
    if (status === 405 && place !== null && this.#registry.has(place.unit))
      headers.allow = allowOf(place.kind, this.#registry.unit(place.unit).plan.mode);
    if (status === 415 && request.method === 'PATCH') headers['accept-patch'] = PATCH_TYPE;
    return headers;
  }
}

/** Of Nest's and of Fastify's own errors. */
function statusIn(thrown: unknown): number | null {
  if (thrown instanceof HttpException) return thrown.getStatus();
  if (thrown instanceof Error && 'statusCode' in thrown && typeof thrown.statusCode === 'number')
    return thrown.statusCode;
  return null;
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? '';
}
