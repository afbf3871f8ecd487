import type { FieldType } from '#core/field-type';
import type { Field, Plan } from '#core/plan';

/** A field whose column is its path in snake case. */
export function field(path: string, type: FieldType, given: Partial<Field> = {}): Field {
  const column = path.replaceAll('.', '_').replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return { path, segments: path.split('.'), column, type, required: false, readOnly: false, ...given };
}

const text = (length: number | null = null): FieldType => ({ kind: 'string', trim: true, length });

/**
 * A plan with every field kind, a composite key, a nested path, rows embedded as an array and one as a sub-document.
 * No database has these tables unless a test makes them.
 */
export const ordersPlan: Plan = {
  unit: 'orders',
  owner: 'orders-team',
  description: 'Orders with their lines',
  mode: 'RW',
  system: 'shop',
  version: { kind: 'lsn' },
  topic: 'shop.public.orders',
  collection: 'orders',
  root: {
    table: 'public.orders',
    key: ['region', 'number'],
    ignore: [],
    fields: [
      field('region', text(4), { required: true }),
      field('number', { kind: 'long' }, { required: true }),
      field('customer.name', text(40), { required: true }),
      field('customer.vip', { kind: 'boolean' }),
      field('amount', { kind: 'decimal', precision: 12, scale: 2 }, { required: true }),
      field('pieces', { kind: 'int' }),
      field('weight', { kind: 'double' }),
      field('ratio', { kind: 'float' }),
      field('orderedOn', { kind: 'date' }),
      field('opensAt', { kind: 'time', precision: 0 }),
      field('storedAt', { kind: 'timestamp', precision: 3 }),
      field('changedAt', { kind: 'timestamptz', precision: 6 }),
      field('token', { kind: 'uuid' }),
      field('picture', { kind: 'bytes' }),
      field('extra', { kind: 'json' }),
      field('note', { kind: 'string', trim: false, length: null }),
      field('rowVersion', { kind: 'long' }, { readOnly: true }),
    ],
  },
  embeds: [
    {
      path: 'lines',
      table: 'public.order_line',
      topic: 'shop.public.order_line',
      parentKey: ['region', 'number'],
      cardinality: 'many',
      key: ['line_no'],
      ignore: [],
      fields: [
        field('number', { kind: 'long' }),
        field('lineNo', { kind: 'int' }, { required: true }),
        field('article', text(10), { required: true }),
        field('price', { kind: 'decimal', precision: 12, scale: 2 }),
      ],
    },
    {
      path: 'address',
      table: 'public.order_address',
      topic: 'shop.public.order_address',
      parentKey: ['region', 'number'],
      cardinality: 'one',
      key: ['address_id'],
      ignore: [],
      fields: [
        field('addressId', { kind: 'int' }, { required: true }),
        field('street', text(), { required: true }),
        field('city', text()),
      ],
    },
  ],
  truncate: 'hold',
  reconcile: { schedule: null, maxRowsPerSecond: null, repair: 'log-only', allowEmpty: false },
  levels: { lagMs: 5_000, driftPpm: 0, verifiedMs: 86_400_000, badShare: 0.05 },
};
