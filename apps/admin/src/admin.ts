import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { answerClientError, HEAD_LIMIT } from '#observability/client-error';
import { AdminModule } from './admin.module.ts';
import type { AdminParts } from './admin-parts.ts';
import { AllowedMethods } from './allowed-methods.ts';
import { ProblemFilter } from './problem.filter.ts';

/** Requests of the admin endpoint are a few members long. */
const BODY_LIMIT = 65_536;

/** The admin endpoint on its parts, not listening yet. */
export async function createAdmin(parts: AdminParts): Promise<NestFastifyApplication> {
  const allowed = new AllowedMethods();
  const problems = new ProblemFilter(allowed, parts.log);
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT,
    http: { maxHeaderSize: HEAD_LIMIT },
    clientErrorHandler: answerClientError,
    genReqId: () => randomUUID(),
    frameworkErrors: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      problems.answer(error, request, reply),
  });
  const fastify = adapter.getInstance();
  fastify.addHook('onRoute', (route) => allowed.add(route.url, route.method));
  const app = await NestFactory.create<NestFastifyApplication>(AdminModule.with(parts), adapter, {
    bodyParser: false,
    logger: ['error', 'warn'],
  });
  fastify.removeContentTypeParser('text/plain');
  app.useGlobalFilters(problems);
  return app;
}
