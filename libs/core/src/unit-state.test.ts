import { describe, expect, it } from 'vitest';
import { currentLag, type ReplicationStatus, STATUS_EXPIRES_MS } from './unit-state.ts';

const NOW = Date.UTC(2026, 0, 1);

function status(ageMs: number, lagMs: number | null): ReplicationStatus {
  return {
    unit: 'orders',
    planVersion: 1,
    at: new Date(NOW - ageMs).toISOString(),
    lagMs,
    backlog: 0,
    snapshot: { complete: true, rows: 0, total: null, startedAt: null, completedAt: null },
    counts: { applied: 0, unchanged: 0, stale: 0, recheck: 0, deadLetters: 0 },
  };
}

describe('currentLag', () => {
  it.each<[string, ReplicationStatus | null, number | null]>([
    ['no status', null, null],
    ['a status that does not know', status(0, null), null],
    ['a status of now', status(0, 40), 40],
    ['a status that has aged', status(1_000, 40), 1_040],
    ['a status at its end', status(STATUS_EXPIRES_MS, 0), STATUS_EXPIRES_MS],
    ['a status past its end', status(STATUS_EXPIRES_MS + 1, 0), null],
    ['a status of a clock that is ahead of ours', status(-3_000, 40), 40],
  ])('%s', (_what, given, lag) => expect(currentLag(given, NOW)).toBe(lag));
});
