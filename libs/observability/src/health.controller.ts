import { Controller, Get, Inject, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Registry } from 'prom-client';
import type { DependencyState } from './dependencies.ts';

/**
 * `up`: everything answers. `degraded`: some of the work fails or falls back, the rest goes on, so a load balancer
 * must keep sending it. `down`: nothing useful can be done.
 */
export interface Readiness {
  readonly status: 'up' | 'degraded' | 'down';
  readonly dependencies: readonly DependencyState[];
}

/** What a service says of itself. */
export interface Health {
  readonly readiness: () => Readiness;
  readonly metrics: Registry;
}

export const HEALTH = Symbol('health');

/** The readiness of a service that needs everything that it depends on. */
export function allOrNothing(dependencies: readonly DependencyState[]): Readiness {
  return { status: dependencies.every(({ up }) => up) ? 'up' : 'down', dependencies };
}

/** Of every service: is it alive, is it ready and if not why (503 when it is down), and what it measures. */
@Controller()
export class HealthController {
  readonly #health: Health;

  constructor(@Inject(HEALTH) health: Health) {
    this.#health = health;
  }

  @Get('health/live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  @Get('health/ready')
  ready(@Res() reply: FastifyReply): void {
    const readiness = this.#health.readiness();
    void reply.code(readiness.status === 'down' ? 503 : 200).send(readiness);
  }

  @Get('metrics')
  async metrics(@Res() reply: FastifyReply): Promise<void> {
    const { metrics } = this.#health;
    void reply.header('content-type', metrics.contentType).send(await metrics.metrics());
  }
}
