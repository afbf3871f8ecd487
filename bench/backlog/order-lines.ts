import type { Plan } from '#core/plan';
import { field, orderPlan } from './order-plan.ts';
import { envelopeOf, eventText, imageOf, keyText, type OrderChange } from './order-row.ts';
import type { Outgoing } from './produce.ts';
import { PARTITIONS } from './sequence.ts';

/** Rows of a document: the order and three lines. */
export const ROWS = 4;

/** The plan of orders with their lines, which come in a topic of their own. */
export function orderWithLinesPlan(unit: string, topic: string, linesTopic: string): Plan {
  return {
    ...orderPlan(unit, topic),
    embeds: [
      {
        path: 'lines',
        table: 'public.order_line',
        topic: linesTopic,
        parentKey: ['order_id'],
        cardinality: 'many',
        key: ['line_no'],
        ignore: [],
        fields: [
          field('lineNo', { kind: 'int' }),
          field('article', { kind: 'string', trim: false, length: 12 }),
          field('price', { kind: 'decimal', precision: 12, scale: 2 }),
          field('pieces', { kind: 'int' }),
          field('note', { kind: 'string', trim: false, length: null }),
        ],
      },
    ],
  };
}

/** Of the rows that a backlog numbers through, every fourth is an order; between them stand its lines. */
export function isOrder({ id }: OrderChange): boolean {
  return id % ROWS === 0;
}

export function orderRecord({ op, id, number }: OrderChange): Outgoing {
  const order = { op, id: id / ROWS, number };
  return {
    partition: order.id % PARTITIONS,
    key: Buffer.from(keyText(order)),
    value: Buffer.from(eventText(envelopeOf(order))),
  };
}

export function lineRecord({ op, id, number }: OrderChange): Outgoing {
  const orderId = Math.floor(id / ROWS);
  const lineNo = id % ROWS;
  const { amount, pieces, customer, note } = imageOf({ id, number });
  const image = {
    order_id: orderId,
    line_no: lineNo,
    article: String(customer),
    price: String(amount),
    pieces: Number(pieces),
    note: String(note),
  };
  return {
    partition: (orderId * (ROWS - 1) + lineNo) % PARTITIONS,
    key: Buffer.from(`{"order_id":${orderId},"line_no":${lineNo}}`),
    value: Buffer.from(eventText(envelopeOf({ op, id, number }, { table: 'order_line', image }))),
  };
}
