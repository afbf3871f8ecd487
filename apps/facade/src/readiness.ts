import type { DependencyState } from '#observability/dependencies';

/**
 * `up`: everything answers. `degraded`: some requests fail or fall back, the others are served, so a load balancer
 * must keep sending them. `down`: nothing can be served, because no unit is known or nothing answers.
 */
export interface Readiness {
  readonly status: 'up' | 'degraded' | 'down';
  readonly dependencies: readonly DependencyState[];
}

export function readinessOf(unitsKnown: boolean, dependencies: readonly DependencyState[]): Readiness {
  const isUp = dependencies.every(({ up }) => up);
  const isDown = !unitsKnown || (dependencies.length > 0 && dependencies.every(({ up }) => !up));
  return { status: isDown ? 'down' : isUp ? 'up' : 'degraded', dependencies };
}
