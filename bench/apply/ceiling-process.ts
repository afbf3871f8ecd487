import { type Db, type Document, Long, MongoClient } from 'mongodb';
import { documentOf, lsnOf, type OrderChange } from '../backlog/order-row.ts';
import { BATCH } from '../backlog/sequence.ts';
import { type BacklogSpec, changesOf } from '../backlog/spec.ts';
import { measure } from '../process/child.ts';

/**
 * How the bare driver writes: `filter` and `pipeline` under the condition that the stored version is older, as a filter
 * or inside the update; `replace` without any; `insert` into an empty collection.
 */
export type CeilingForm = 'filter' | 'pipeline' | 'replace' | 'insert';

export interface CeilingGiven {
  readonly mongoUrl: string;
  readonly database: string;
  readonly collection: string;
  readonly form: CeilingForm;
  readonly backlog: BacklogSpec;
}

const IN_FLIGHT = 3;
const DUPLICATE_KEY = 11_000;

if (import.meta.main)
  await measure(async (given) => {
    const { mongoUrl, database, collection, form, backlog } = given as CeilingGiven;
    const client = await MongoClient.connect(mongoUrl, { retryWrites: false });
    const db = client.db(database);
    const statements = changesOf(backlog).map((change) => statementOf(form, change));
    const batches = Array.from({ length: Math.ceil(statements.length / BATCH) }, (_, index) =>
      statements.slice(index * BATCH, (index + 1) * BATCH),
    );
    return async () => {
      await writeAll(db, collection, { form, batches });
      return undefined;
    };
  });

function statementOf(form: CeilingForm, change: OrderChange): Document {
  const document = documentOf(change);
  const { _id } = document;
  const version = Long.fromNumber(lsnOf(change.number));
  switch (form) {
    case 'insert':
      return document;
    case 'replace':
      return { q: { _id }, u: document, upsert: true };
    case 'filter':
      return { q: { _id, '_m.s': { $lt: version } }, u: document, upsert: true };
    case 'pipeline': {
      const isNewer = { $lt: [{ $ifNull: ['$_m.s', Long.NEG_ONE] }, version] };
      const u = [{ $replaceWith: { $cond: [isNewer, { $literal: document }, '$$ROOT'] } }];
      return { q: { _id }, u, upsert: true };
    }
  }
}

/** Three batches are under way at any time. */
async function writeAll(
  db: Db,
  collection: string,
  { form, batches }: { form: CeilingForm; batches: readonly (readonly Document[])[] },
): Promise<void> {
  let at = 0;
  const lane = async (): Promise<void> => {
    for (let batch = batches[at++]; batch !== undefined; batch = batches[at++]) {
      const what =
        form === 'insert' ? { insert: collection, documents: batch } : { update: collection, updates: batch };
      const reply = await db.command({ ...what, ordered: false, writeConcern: { w: 'majority', j: true } });
      // Under a filter that no longer matches, an upsert meets the newer document: it is stale.
      for (const { code, errmsg } of (reply.writeErrors ?? []) as { code: number; errmsg: string }[])
        if (code !== DUPLICATE_KEY || form !== 'filter') throw new Error(`MongoDB: ${errmsg} (${code})`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}
