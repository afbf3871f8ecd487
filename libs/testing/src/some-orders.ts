import type { CanonicalDocument } from '#core/document';
import { AN_ORDER } from './an-order.ts';
import { ordersPlan } from './orders-plan.ts';

/** Every field of the document as a store answers it: null where it has nothing. */
function whole({ root, embeds }: CanonicalDocument): CanonicalDocument {
  const paths = ordersPlan.root.fields.filter((field) => !field.readOnly).map((field) => field.path);
  return {
    root: Object.fromEntries(paths.map((path) => [path, root[path] ?? null])),
    embeds: Object.fromEntries(ordersPlan.embeds.map(({ path }) => [path, embeds[path] ?? []])),
  };
}

/** Documents of `ordersPlan` that differ in what stores like to sort and compare differently. */
export const SOME_ORDERS: readonly CanonicalDocument[] = [
  AN_ORDER,
  whole({
    root: { region: 'EU', number: '10', 'customer.name': 'Z', amount: '12.50', note: '' },
    embeds: {},
  }),
  whole({
    root: {
      region: 'eu',
      number: '-9223372036854775808',
      'customer.name': 'a',
      'customer.vip': false,
      amount: '2.00',
      pieces: -1,
      weight: -0.5,
      ratio: 57942650,
      orderedOn: '0001-01-01',
      opensAt: '00:00:00',
      changedAt: '2024-02-29T23:59:59.999998Z',
      note: 'null',
    },
    embeds: { lines: [{ number: '-9223372036854775808', lineNo: 1, article: 'nut', price: '1.00' }] },
  }),
  whole({
    root: {
      region: 'É',
      number: '9223372036854775806',
      'customer.name': '😀',
      amount: '100.00',
      storedAt: '9999-12-31T23:59:59.999',
      note: 'ﬀ',
    },
    embeds: { address: [{ addressId: 2, street: 'x', city: 'Łódź' }] },
  }),
];
