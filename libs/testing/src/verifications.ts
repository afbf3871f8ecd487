import type { Verification } from '#core/reconcile';

/** A verification as it is queued, changed as the test needs it. */
export function aVerification(changes: Partial<Verification> = {}): Verification {
  return {
    id: 'run-1',
    unit: 'orders',
    state: 'queued',
    requestedBy: 'somebody',
    requestedAt: '2026-01-01T00:00:00.000Z',
    startedAt: null,
    finishedAt: null,
    rowsCompared: 0,
    rowsTotal: null,
    progress: null,
    missing: 0,
    extra: 0,
    different: 0,
    inFlight: 0,
    differences: [],
    reason: null,
    ...changes,
  };
}
