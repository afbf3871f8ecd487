import { Controller, Get, Header, Inject, ServiceUnavailableException } from '@nestjs/common';
import type { Registry } from 'prom-client';
import type { Dependencies, DependencyState } from '#observability/dependencies';
import { DEPENDENCIES, REGISTRY } from './tokens.ts';

interface Health {
  readonly status: 'up' | 'down';
  readonly dependencies: readonly DependencyState[];
}

/** The reconciler's only HTTP: is it alive, is it ready and if not why, and what it measures. */
@Controller()
export class HealthController {
  readonly #dependencies: Dependencies;
  readonly #registry: Registry;

  constructor(@Inject(DEPENDENCIES) dependencies: Dependencies, @Inject(REGISTRY) registry: Registry) {
    this.#dependencies = dependencies;
    this.#registry = registry;
  }

  @Get('health/live')
  live(): { status: 'up' } {
    return { status: 'up' };
  }

  @Get('health/ready')
  ready(): Health {
    const dependencies = this.#dependencies.states();
    const health: Health = { status: dependencies.every((one) => one.up) ? 'up' : 'down', dependencies };
    if (health.status === 'down') throw new ServiceUnavailableException(health);
    return health;
  }

  @Get('metrics')
  @Header('content-type', 'text/plain; version=0.0.4')
  async metrics(): Promise<string> {
    return await this.#registry.metrics();
  }
}
