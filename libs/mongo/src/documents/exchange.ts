import { type ClientSession, type Db, type Document, MongoServerError } from 'mongodb';
import { emptyDocument, type StoredDocument } from '#core/apply';
import type { DocumentKey } from '#core/document';
import { assert } from '#core/errors';
import { keyText } from '#core/key';
import type { Plan } from '#core/plan';
import type { DocumentWrite, Exchanged, Wanted } from '#core/ports/document-store';
import { reach } from '../reach.ts';
import { BSON_OPTIONS, toId } from './bson.ts';
import { Statements, sendInTurn } from './statements.ts';
import { readBare, readStored } from './stored.ts';

const DUPLICATE_KEY = 11_000;
/** Somebody else has written one of the documents since the transaction began. */
const WRITE_CONFLICT = 112;
const DURABLE = { w: 'majority', j: true } as const;

export interface ExchangeOptions {
  readonly term: number;
  /** Milliseconds after which a command is given up. */
  readonly maxTimeMS: number;
  /** Codes with which MongoDB refuses a document. */
  readonly refusals: readonly number[];
}

/**
 * Reads and writes a batch in one transaction. MongoDB itself sees to it then that nobody comes between, so a statement
 * names its document by `_id` alone, which the server finds without a plan; a condition on the revision costs it about
 * as much again as the write. And the oplog has one entry for many documents.
 */
export async function exchange(
  db: Db,
  plan: Plan,
  given: ExchangeOptions & {
    readonly wanted: readonly Wanted[];
    readonly decide: (stored: readonly StoredDocument[]) => readonly DocumentWrite[];
  },
): Promise<Exchanged> {
  const { wanted, decide } = given;
  const session = db.client.startSession();
  try {
    session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: DURABLE });
    const writes = decide(await load(db, plan, session, { wanted, maxTimeMS: given.maxTimeMS }));
    const outcome = await write(db, plan, session, { writes, term: given.term });
    if (outcome === 'refused') return outcome;
    await reach(() => session.commitTransaction());
    return 'done';
  } catch (error) {
    const outcome = outcomeOf(
      error instanceof Error && error.cause !== undefined ? error.cause : error,
      given,
    );
    if (outcome === null) throw error;
    return outcome;
  } finally {
    // Also ends a transaction that was not committed.
    await session.endSession();
  }
}

async function load(
  db: Db,
  plan: Plan,
  session: ClientSession,
  { wanted, maxTimeMS }: { readonly wanted: readonly Wanted[]; readonly maxTimeMS: number },
): Promise<readonly StoredDocument[]> {
  const read = async (keys: readonly DocumentKey[], whole: boolean): Promise<readonly StoredDocument[]> => {
    if (keys.length === 0) return [];
    const filter = { _id: { $in: keys.map((key) => toId(plan, key)) } } as Document;
    const documents = await reach(() =>
      db
        .collection(plan.collection)
        .find(filter, {
          ...{ ...BSON_OPTIONS, session, maxTimeMS, batchSize: keys.length + 1 },
          projection: whole ? {} : { _m: 1 },
        })
        .toArray(),
    );
    return documents.map((document) => (whole ? readStored : readBare)(plan, document));
  };
  const found = new Map<string, StoredDocument>();
  const texts = wanted.map(({ key }) => keyText(key));
  const whole: DocumentKey[] = [];
  const bare: DocumentKey[] = [];
  const doesBareOf = new Map<string, Wanted['doesBare']>();
  for (const [at, { key, doesBare }] of wanted.entries()) {
    (doesBare === undefined ? whole : bare).push(key);
    doesBareOf.set(texts[at] ?? '', doesBare);
  }
  for (const stored of await read(bare, false)) {
    const text = keyText(stored.key);
    if (doesBareOf.get(text)?.(stored) === true) found.set(text, stored);
    else whole.push(stored.key);
  }
  for (const stored of await read(whole, true)) found.set(keyText(stored.key), stored);
  return wanted.map(({ key }, at) => found.get(texts[at] ?? '') ?? emptyDocument(key));
}

async function write(
  db: Db,
  plan: Plan,
  session: ClientSession,
  { writes, term }: { readonly writes: readonly DocumentWrite[]; readonly term: number },
): Promise<'written' | 'refused'> {
  const added = writes.filter(({ before }) => before.revision === null);
  const changed = writes.filter(({ before }) => before.revision !== null);
  for (const [kind, some] of [
    ['insert', added],
    ['update', changed],
  ] as const) {
    const tooLarge = await sendInTurn(
      () => new Statements(kind, plan, term),
      some,
      async (statements) => {
        const { size } = statements;
        const reply = await reach(() => statements.send((command) => db.command(command, { session })));
        const [fault] = (reply.writeErrors ?? []) as readonly Document[];
        if (fault !== undefined) throw new MongoServerError({ ...fault });
        assert(reply.n === size, `a document of ${plan.collection} is removed only by Ficus, which does not`);
      },
    );
    if (tooLarge.length > 0) return 'refused';
  }
  return 'written';
}

/** Null: it is none of a document's. What is transient of a transaction is settled by trying otherwise, or again. */
function outcomeOf(error: unknown, { refusals }: ExchangeOptions): Exchanged | null {
  if (!(error instanceof MongoServerError)) return null;
  if (error.code === DUPLICATE_KEY)
    return JSON.stringify(error.keyPattern) === '{"_id":1}' ? 'overtaken' : 'refused';
  if (refusals.includes(Number(error.code))) return 'refused';
  return error.code === WRITE_CONFLICT || error.hasErrorLabel('TransientTransactionError')
    ? 'overtaken'
    : null;
}
