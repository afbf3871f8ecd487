import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { AdminModule, type AdminParts } from './admin.module.ts';
import { AllowedMethods } from './allowed-methods.ts';
import { ProblemFilter } from './problem.filter.ts';

const BODY_LIMIT = 65_536;

/** The admin endpoint on its parts, not listening yet. */
export async function createAdmin(parts: AdminParts): Promise<NestFastifyApplication> {
  const adapter = new FastifyAdapter({ bodyLimit: BODY_LIMIT, genReqId: () => randomUUID() });
  const allowed = new AllowedMethods();
  const filter = new ProblemFilter(allowed, parts.log);
  const fastify = adapter.getInstance();
  fastify.addHook('onRoute', (route) => allowed.add(route.url, route.method));
  const app = await NestFactory.create<NestFastifyApplication>(AdminModule.with(parts), adapter, {
    logger: ['error', 'warn'],
  });
  app.useGlobalFilters(filter);
  await app.init();
  fastify.setErrorHandler((error, request, reply) => filter.answer(error, request, reply));
  return app;
}
