import type { Cursor } from '#core/cursor';
import { FicusError } from '#core/errors';
import { type Fallback, mayContinue, routeRead } from '#core/routing';
import { currentLag, isSnapshotComplete, type Unit } from '#core/unit-state';

export type StoreName = 'legacy' | 'mongodb';

export interface StoreRoute {
  readonly store: StoreName;
  readonly fallback: Fallback | null;
  /** May legacy answer when this store fails? Only while legacy is the authority of reads that MongoDB relieves. */
  readonly mayRetreat: boolean;
}

export interface RouteFacts {
  readonly now: number;
  readonly mongodbAnswers: boolean;
  /** The header Ficus-Read-From: a diagnostic that overrides everything else. */
  readonly asked: StoreName | null;
  /** Of a list that goes on: the store that answered the page before. */
  readonly cursor: Cursor | null;
}

/**
 * Which store answers a read. A list that began in legacy goes on there; one that began in MongoDB may fall back,
 * since both stores keep one order and a page only needs its place in it.
 * @throws FicusError `cursor_expired` when the phase has left the cursor's store, `cursor_invalid` when the request
 * asks for another one.
 */
export function routeOf(unit: Unit, facts: RouteFacts): StoreRoute {
  const { plan, state } = unit;
  const { asked, cursor } = facts;
  if (asked !== null) {
    if (cursor !== null && cursor.store !== asked)
      throw new FicusError(
        'cursor_invalid',
        `cursor: it is of ${cursor.store}, and Ficus-Read-From asks for ${asked}`,
      );
    return { store: asked, fallback: null, mayRetreat: false };
  }
  if (cursor !== null && !mayContinue(state.phase, cursor.store))
    throw new FicusError(
      'cursor_expired',
      `cursor: it is of ${cursor.store}, which answers no reads in phase ${state.phase}; start the list again`,
    );
  if (cursor?.store === 'legacy') return { store: 'legacy', fallback: null, mayRetreat: false };
  const lagMs = currentLag(unit.replication, facts.now);
  const route = routeRead(state.phase, {
    lagMs,
    lagLimitMs: plan.levels.lagMs,
    snapshotComplete: isSnapshotComplete(unit),
  });
  const mayRetreat = state.phase === 'offload';
  // Without MongoDB the lag is soon unknown too; that it is away is what the reader wants to know.
  if (mayRetreat && !facts.mongodbAnswers)
    return { store: 'legacy', fallback: 'mongodb-unavailable', mayRetreat: false };
  if (route.fallback) return { store: 'legacy', fallback: route.because, mayRetreat: false };
  return { store: route.store, fallback: null, mayRetreat: mayRetreat && route.store === 'mongodb' };
}
