import type { Plan } from '#core/plan';
import type { Unit } from '#core/unit-state';

/** A plan of one table with a key of two columns (text, 64-bit), changed as the test needs it. */
export function aPlan(changes: Partial<Plan> = {}): Plan {
  return {
    unit: 'orders',
    owner: 'team',
    description: '',
    mode: 'RW',
    system: 'shop',
    version: { kind: 'lsn' },
    topic: 'shop.public.order',
    collection: 'orders',
    root: {
      table: 'public.order',
      key: ['region', 'number'],
      fields: [
        aField('region', { kind: 'string', trim: false, length: null }),
        aField('number', { kind: 'long' }),
        aField('amount', { kind: 'decimal', precision: 12, scale: 2 }),
      ],
      ignore: [],
    },
    embeds: [],
    truncate: 'hold',
    reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
    levels: { lagMs: 5_000, driftPpm: 0, verifiedMs: 86_400_000, badShare: 0.05 },
    ...changes,
  };
}

export function aField(
  path: string,
  type: Plan['root']['fields'][number]['type'],
): Plan['root']['fields'][number] {
  return { path, segments: path.split('.'), column: path, type, required: false, readOnly: false };
}

/** A unit of that plan as it is when it was just applied. */
export function aUnit(plan: Plan = aPlan(), changes: Partial<Unit> = {}): Unit {
  return {
    plan,
    planVersion: 1,
    snapshotWanted: [],
    replaced: 0,
    state: {
      unit: plan.unit,
      phase: 'legacy',
      epoch: 1,
      term: 1,
      revision: 1,
      since: '2026-01-01T00:00:00.000Z',
      transition: null,
    },
    replication: null,
    ...changes,
  };
}
