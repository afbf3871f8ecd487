import type { FieldType } from '#core/field-type';
import type { Field, Plan } from '#core/plan';

/** The plan of `public.orders`. @param unit names the collection too: every run has its own of both. */
export function orderPlan(unit: string, topic: string): Plan {
  return {
    unit,
    owner: 'bench',
    description: 'What the benchmarks apply',
    mode: 'RW',
    system: 'shop',
    version: { kind: 'lsn' },
    topic,
    collection: unit,
    root: {
      table: 'public.orders',
      key: ['id'],
      ignore: [],
      fields: [
        field('id', { kind: 'long' }),
        field('customer', { kind: 'string', trim: false, length: 8 }),
        field('status', { kind: 'string', trim: false, length: 12 }),
        field('amount', { kind: 'decimal', precision: 12, scale: 2 }),
        field('tax', { kind: 'decimal', precision: 12, scale: 2 }),
        field('pieces', { kind: 'int' }),
        field('orderedOn', { kind: 'date' }),
        field('changedAt', { kind: 'timestamptz', precision: 3 }),
        field('city', { kind: 'string', trim: false, length: 40 }),
        field('note', { kind: 'string', trim: false, length: null }),
      ],
    },
    embeds: [],
    truncate: 'hold',
    reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
    levels: { lagMs: 5_000, driftPpm: 0, verifiedMs: 86_400_000, badShare: 0.05 },
  };
}

/** A field whose column is its path in snake case. */
export function field(path: string, type: FieldType): Field {
  const column = path.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { path, segments: [path], column, type, required: false, readOnly: false };
}
