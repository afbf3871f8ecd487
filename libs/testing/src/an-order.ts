import type { CanonicalDocument } from '#core/document';

/** A document of `ordersPlan` with every field filled but the ones that the database fills. */
export const AN_ORDER: CanonicalDocument = {
  root: {
    region: 'EU',
    number: '7',
    'customer.name': 'Müller 😀',
    'customer.vip': true,
    amount: '12.50',
    pieces: 3,
    weight: 0.1,
    ratio: 0.1,
    orderedOn: '2024-02-29',
    opensAt: '08:30:00',
    storedAt: '2024-02-29T23:59:59.999',
    changedAt: '2024-02-29T23:59:59.999999Z',
    token: '0b9e8f0a-1111-4222-8333-444455556666',
    picture: 'AP8Q',
    extra: '{"b":1, "a":[null]}',
    note: ' blanks stay ',
  },
  embeds: {
    lines: [
      { number: '7', lineNo: 1, article: 'nut', price: '0.10' },
      { number: '7', lineNo: 2, article: 'bolt', price: null },
      { number: '7', lineNo: 10, article: 'gear', price: '9999999999.99' },
    ],
    address: [{ addressId: 1, street: 'Hauptstraße 1', city: null }],
  },
};
