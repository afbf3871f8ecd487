import type { DependencyState } from '#observability/dependencies';
import type { Readiness } from '#observability/health.controller';

/** Down: nothing can be served, because no unit is known or nothing answers. */
export function readinessOf(unitsKnown: boolean, dependencies: readonly DependencyState[]): Readiness {
  const isUp = dependencies.every(({ up }) => up);
  const isDown = !unitsKnown || (dependencies.length > 0 && dependencies.every(({ up }) => !up));
  return { status: isDown ? 'down' : isUp ? 'up' : 'degraded', dependencies };
}
