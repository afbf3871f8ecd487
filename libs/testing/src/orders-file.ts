/** A plan file without faults. Tests count its lines. */
export const ordersFile = `unit: orders
owner: team
mode: RW
legacy:
  system: shop
  table: public.order
  key: [order_id]
  version: lsn
topic: shop.public.order
collection: orders
fields:
  orderId: { column: order_id, type: long, required: true }
  amount: { column: amount, type: decimal, precision: 12, scale: 2 }
  payee.name: { column: payee, type: string, length: 40, trim: true }
  bookedAt: { column: booked_at, type: timestamp, precision: 3 }
ignore: [internal]
embed:
  lines:
    table: public.order_line
    parentKey: [order_id]
    key: [line_no]
    fields:
      lineNo: { column: line_no, type: int }
reconcile: { schedule: "0 3 * * *", maxRowsPerSecond: 2000 }
levels: { lag: 1500ms, driftPpm: 2, verified: 2d, badShare: 0.5 }
`;

/** The same with one change. A change that changes nothing is a fault of the test. */
export function changedOrders(from: string, to: string): string {
  if (!ordersFile.includes(from)) throw new Error(`the file has no "${from}"`);
  return ordersFile.replace(from, to);
}
