import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { type AdminParts, PARTS } from './admin-parts.ts';

/** Is it alive, is it ready and if not why, and what it measures. */
@Controller()
export class HealthController {
  readonly #parts: AdminParts;

  constructor(@Inject(PARTS) parts: AdminParts) {
    this.#parts = parts;
  }

  @Get('health/live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  @Get('health/ready')
  ready(@Res() reply: FastifyReply): void {
    const dependencies = this.#parts.dependencies.states();
    // Without the control database nothing works; without Redis only verifications cannot be asked for.
    const isDown = !dependencies.some((one) => one.name === 'mongodb' && one.up);
    const status = isDown ? 'down' : dependencies.every((one) => one.up) ? 'up' : 'degraded';
    void reply.code(isDown ? 503 : 200).send({ status, dependencies });
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const { registry } = this.#parts;
    void reply.header('content-type', registry.contentType).send(await registry.metrics());
  }
}
