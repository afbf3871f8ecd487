import { isDeepStrictEqual } from 'node:util';
import { MongoClient } from 'mongodb';
import { openSession } from '#legacy/db2/driver';
import { withClient } from './billing.ts';

export interface Comparison {
  readonly what: string;
  readonly legacy: string;
  readonly mongodb: string;
  readonly equal: boolean;
}

/**
 * Compares the estate's stores by their own query languages, with nothing of Ficus in between: counts, exact sums
 * and extremes. The stores must be at rest.
 */
export async function compareTotals(
  billingUrl: string,
  plantUrl: string,
  mongoUrl: string,
): Promise<readonly Comparison[]> {
  const mongo = new MongoClient(mongoUrl);
  try {
    const db = mongo.db('estate');
    const live = { $match: { '_m.live': true } };
    const one = async (collection: string, stages: object[]): Promise<string> => {
      const [row] = await db
        .collection(collection)
        .aggregate([live, ...stages])
        .toArray();
      const { _id: _, ...values } = row ?? {};
      return Object.values(values).map(String).join(' ');
    };
    const legacy = (sql: string): Promise<string> =>
      withClient(billingUrl, async (client) =>
        Object.values((await client.query({ text: sql, rowMode: 'array' })).rows[0] ?? [])
          .map(String)
          .join(' '),
      );
    const plant = async (sql: string): Promise<string> => {
      const session = await openSession(plantUrl);
      try {
        const [row] = await session.query(sql);
        return Object.values(row ?? {})
          .map((value) => String(value).trim())
          .join(' ');
      } finally {
        await session.close();
      }
    };
    const pairs = [
      {
        what: 'payments: count, sum(amount), min(ledger), max(ledger), urgent',
        legacy: await legacy(
          `SELECT count(*)::text, sum(amount)::text, min(ledger_id)::text, max(ledger_id)::text, count(*) FILTER (WHERE urgent)::text FROM payment`,
        ),
        mongodb: await one('payments', [
          {
            $group: {
              _id: null,
              count: { $sum: 1 },
              sum: { $sum: '$amount' },
              min: { $min: '$ledgerId' },
              max: { $max: '$ledgerId' },
              urgent: { $sum: { $cond: ['$urgent', 1, 0] } },
            },
          },
        ]),
      },
      {
        what: 'allocations: count, sum(amount)',
        legacy: await legacy(`SELECT count(*)::text, sum(amount)::text FROM payment_allocation`),
        mongodb: await one('payments', [
          { $unwind: '$allocations' },
          { $group: { _id: null, count: { $sum: 1 }, sum: { $sum: '$allocations.amount' } } },
        ]),
      },
      {
        what: 'suppliers: count, sum(credit_limit), blocked',
        legacy: await legacy(
          `SELECT count(*)::text, sum(credit_limit)::text, count(*) FILTER (WHERE blocked)::text FROM supplier`,
        ),
        mongodb: await one('suppliers', [
          {
            $group: {
              _id: null,
              count: { $sum: 1 },
              sum: { $sum: '$creditLimit' },
              blocked: { $sum: { $cond: ['$blocked', 1, 0] } },
            },
          },
        ]),
      },
      {
        what: 'parts: count, sum(weight), sum(price), max(serial)',
        legacy: await plant(
          `SELECT CHAR(COUNT(*)) AS A, CHAR(SUM(WEIGHT_KG)) AS B, CHAR(SUM(PRICE)) AS C, CHAR(MAX(SERIAL_NO)) AS D FROM PLANT.PART`,
        ),
        mongodb: await one('parts', [
          {
            $group: {
              _id: null,
              count: { $sum: 1 },
              weight: { $sum: '$weightKg' },
              price: { $sum: '$price' },
              max: { $max: '$serialNo' },
            },
          },
        ]),
      },
      {
        what: 'lifecycle events: count, sum(quantity)',
        legacy: await plant(
          `SELECT CHAR(COUNT(*)) AS A, CHAR(SUM(QUANTITY)) AS B FROM PLANT.LIFECYCLE_EVENT`,
        ),
        mongodb: await one('parts', [
          { $unwind: '$events' },
          { $group: { _id: null, count: { $sum: 1 }, sum: { $sum: '$events.quantity' } } },
        ]),
      },
    ];
    return pairs.map((pair) => ({ ...pair, equal: pair.legacy === pair.mongodb }));
  } finally {
    await mongo.close();
  }
}

/** Reads every document of a unit through the facade from both stores and compares the bytes. */
export async function compareBytes(
  apiUrl: string,
  unit: string,
): Promise<{ documents: number; unequal: readonly string[] }> {
  const [legacy, mongodb] = await Promise.all(
    (['legacy', 'mongodb'] as const).map((store) => readAll(apiUrl, unit, store)),
  );
  const unequal: string[] = [];
  for (let index = 0; index < Math.max(legacy?.length ?? 0, mongodb?.length ?? 0); index++) {
    if (!isDeepStrictEqual(legacy?.[index], mongodb?.[index]))
      unequal.push(legacy?.[index] ?? mongodb?.[index] ?? '');
  }
  return { documents: legacy?.length ?? 0, unequal };
}

/** The documents' own bytes, in key order: a page's items are cut out as they stand. */
async function readAll(apiUrl: string, unit: string, store: 'legacy' | 'mongodb'): Promise<string[]> {
  const documents: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? 'limit=1000' : `limit=1000&cursor=${encodeURIComponent(cursor)}`;
    const answer: Response = await fetch(`${apiUrl}/v1/${unit}?${query}`, {
      headers: { 'ficus-read-from': store },
      signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`GET ${unit} from ${store}: ${answer.status} ${text.slice(0, 300)}`);
    const page = JSON.parse(text) as { items: unknown[]; next: string | null };
    // Numbers of the API are 32-bit or doubles, so parsing and printing an item again keeps its bytes.
    documents.push(...page.items.map((item) => JSON.stringify(item)));
    cursor = page.next;
  } while (cursor !== null);
  return documents;
}
