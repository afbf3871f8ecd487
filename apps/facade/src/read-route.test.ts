import { describe, expect, it } from 'vitest';
import type { Phase } from '#core/phase';
import type { Unit } from '#core/unit-state';
import { aUnit } from '#testing/facade-rig';
import { ordersPlan } from '#testing/orders-plan';
import { type RouteFacts, routeOf, type StoreRoute } from './read-route.ts';

const NOW = Date.UTC(2026, 0, 1);

function unitIn(phase: Phase, lagMs: number | null): Unit {
  return aUnit(ordersPlan, phase, new Date(NOW).toISOString(), lagMs);
}

const facts: RouteFacts = { now: NOW, mongodbAnswers: true, asked: null, cursor: null };
const legacy = { store: 'legacy', fallback: null, mayRetreat: false } as const;
const mongodb = { store: 'mongodb', fallback: null, mayRetreat: false } as const;

interface Case {
  readonly why: string;
  readonly unit: Unit;
  readonly facts?: Partial<RouteFacts>;
  readonly route: StoreRoute;
}

const cases: readonly Case[] = [
  { why: 'phase legacy', unit: unitIn('legacy', 0), route: legacy },
  {
    why: 'phase legacy without MongoDB',
    unit: unitIn('legacy', 0),
    facts: { mongodbAnswers: false },
    route: legacy,
  },
  { why: 'offload', unit: unitIn('offload', 5_000), route: { ...mongodb, mayRetreat: true } },
  { why: 'offload over its lag', unit: unitIn('offload', 5_001), route: { ...legacy, fallback: 'lag' } },
  {
    why: 'offload of unknown lag',
    unit: unitIn('offload', null),
    route: { ...legacy, fallback: 'lag-unknown' },
  },
  {
    why: 'offload with a status that grew old',
    unit: unitIn('offload', 0),
    facts: { now: NOW + 5_001 },
    route: { ...legacy, fallback: 'lag-unknown' },
  },
  {
    why: 'offload whose plan has changed since',
    unit: { ...unitIn('offload', 0), planVersion: 2 },
    route: { ...legacy, fallback: 'snapshot' },
  },
  {
    why: 'offload without MongoDB',
    unit: unitIn('offload', 0),
    facts: { mongodbAnswers: false, now: NOW + 60_000 },
    route: { ...legacy, fallback: 'mongodb-unavailable' },
  },
  {
    why: 'primary, which has no way back',
    unit: unitIn('primary', null),
    facts: { mongodbAnswers: false },
    route: mongodb,
  },
  { why: 'a diagnostic request', unit: unitIn('legacy', null), facts: { asked: 'mongodb' }, route: mongodb },
  {
    why: 'a list that began in legacy',
    unit: unitIn('offload', 0),
    facts: { cursor: { store: 'legacy', values: [] } },
    route: legacy,
  },
  {
    why: 'a list that began in MongoDB, now over its lag',
    unit: unitIn('offload', 9_000),
    facts: { cursor: { store: 'mongodb', values: [] } },
    route: { ...legacy, fallback: 'lag' },
  },
];

describe('routeOf', () => {
  it.each(cases)('answers $why from $route.store', ({ unit, facts: given, route }) => {
    expect(routeOf(unit, { ...facts, ...given })).toEqual(route);
  });

  it('expires a cursor whose store the phase has left', () => {
    const cursor = { store: 'mongodb', values: [] } as const;
    expect(() => routeOf(unitIn('legacy', 0), { ...facts, cursor })).toThrow(
      expect.objectContaining({ code: 'cursor_expired' }),
    );
  });

  it('refuses a cursor of another store than the one asked for', () => {
    const cursor = { store: 'legacy', values: [] } as const;
    expect(() => routeOf(unitIn('offload', 0), { ...facts, cursor, asked: 'mongodb' })).toThrow(
      expect.objectContaining({ code: 'cursor_invalid' }),
    );
  });
});
