import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { answerClientError, HEAD_LIMIT } from '#observability/client-error';
import { acceptBodies, BODY_LIMIT } from './body.ts';
import { serveDocs } from './docs.ts';
import { FacadeModule } from './facade.module.ts';
import type { FacadeParts } from './facade-parts.ts';
import { Meters } from './meters.ts';
import { ProblemFilter } from './problem.filter.ts';

/** Longest key in a path, percent-encoded. */
const KEY_LENGTH = 2_048;

/** The application on any parts, not listening yet. */
export async function createFacade(parts: FacadeParts): Promise<NestFastifyApplication> {
  const { registry, log, metrics } = parts;
  const problems = new ProblemFilter(registry, log);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    http: { maxHeaderSize: HEAD_LIMIT },
    clientErrorHandler: answerClientError,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: KEY_LENGTH },
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      problems.answer(error, request, reply),
  });
  const instance = adapter.getInstance();
  const meters = new Meters(metrics);
  instance.addHook('onResponse', (request, reply, done) => {
    meters.answered(
      unitOf(request, (name) => registry.has(name)),
      request,
      reply,
    );
    done();
  });
  const app = await NestFactory.create<NestFastifyApplication>(FacadeModule.with(parts), adapter, {
    bodyParser: false,
    logger: ['error', 'warn'],
  });
  acceptBodies(instance);
  app.useGlobalFilters(problems);
  serveDocs(app, registry);
  return app;
}

function unitOf(request: FastifyRequest, isKnown: (name: string) => boolean): string {
  const { unit } = (request.params ?? {}) as { unit?: string };
  return unit !== undefined && isKnown(unit) ? unit : '-';
}
