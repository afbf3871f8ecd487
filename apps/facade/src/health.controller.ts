import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { FacadeParts } from './facade-parts.ts';
import { readinessOf } from './readiness.ts';
import { PARTS } from './tokens.ts';

/** Is it alive, is it ready and if not why, and what it measures. */
@Controller()
export class HealthController {
  readonly #parts: FacadeParts;

  constructor(@Inject(PARTS) parts: FacadeParts) {
    this.#parts = parts;
  }

  @Get('health/live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  @Get('health/ready')
  ready(@Res() reply: FastifyReply): void {
    const { registry, dependencies } = this.#parts;
    const readiness = readinessOf(registry.known, dependencies.states());
    void reply.code(readiness.status === 'down' ? 503 : 200).send(readiness);
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const { metrics } = this.#parts;
    void reply.header('content-type', metrics.contentType).send(await metrics.metrics());
  }
}
