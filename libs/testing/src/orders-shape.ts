import { type Column, type PlanShape, shapeOf } from '#legacy/postgres/columns';
import { ordersPlan } from './orders-plan.ts';

/** A column as pg_catalog would describe it: nullable, with nothing special, in a database that sorts by code point. */
export function aColumn(name: string, type: string, given: Partial<Column> = {}): Column {
  const plain = {
    notNull: false,
    hasDefault: false,
    identity: '',
    generated: '',
    byCodePoint: true,
    loose: false,
  };
  return { name, type, cast: type, declared: type, family: 'b', category: 'X', ...plain, ...given };
}

const KEY = [
  aColumn('region', 'bpchar', { notNull: true, declared: 'character(4)' }),
  aColumn('number', 'int8', { cast: 'bigint', declared: 'bigint', notNull: true }),
];

/** `ordersPlan` on a database whose texts sort by code point, or by some language. */
export function ordersShape(byCodePoint = true): PlanShape {
  const columns = (table: readonly Column[]): readonly Column[] =>
    table.map((column) => ({ ...column, byCodePoint }));
  return shapeOf(
    ordersPlan,
    new Map([
      [
        'public.orders',
        columns([
          ...KEY,
          aColumn('customer_name', 'varchar', {
            cast: 'character varying',
            declared: 'character varying(40)',
          }),
          aColumn('customer_vip', 'bool', { cast: 'boolean' }),
          aColumn('amount', 'numeric', { declared: 'numeric(12,2)', notNull: true }),
          aColumn('pieces', 'int2', { cast: 'smallint', declared: 'smallint' }),
          aColumn('weight', 'float8'),
          aColumn('ratio', 'float4'),
          aColumn('ordered_on', 'date'),
          aColumn('opens_at', 'time'),
          aColumn('stored_at', 'timestamp'),
          aColumn('changed_at', 'timestamptz'),
          aColumn('token', 'uuid'),
          aColumn('picture', 'bytea'),
          aColumn('extra', 'json'),
          aColumn('note', 'text'),
          aColumn('row_version', 'int8', { cast: 'bigint', declared: 'bigint' }),
        ]),
      ],
      [
        'public.order_line',
        columns([
          ...KEY,
          aColumn('line_no', 'int4', { cast: 'integer', declared: 'integer', notNull: true }),
          aColumn('article', 'bpchar', { declared: 'character(10)' }),
          aColumn('price', 'numeric', { declared: 'numeric(12,2)' }),
        ]),
      ],
      [
        'public.order_address',
        columns([
          ...KEY,
          aColumn('address_id', 'int4', { cast: 'integer', declared: 'integer', notNull: true }),
          aColumn('street', 'text'),
          aColumn('city', 'text'),
        ]),
      ],
    ]),
  );
}
