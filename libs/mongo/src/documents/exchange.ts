import { type ClientSession, type Db, type Document, MongoServerError } from 'mongodb';
import { emptyDocument, type StoredDocument } from '#core/apply';
import type { DocumentKey } from '#core/document';
import { assert } from '#core/errors';
import { keyText } from '#core/key';
import type { Plan } from '#core/plan';
import type { DocumentWrite, Exchanged, Wanted } from '#core/ports/document-store';
import { reach } from '../reach.ts';
import { BSON_OPTIONS, toId } from './bson.ts';
import { Statements } from './statements.ts';
import { readBare, readStored } from './stored.ts';

const DUPLICATE_KEY = 11_000;
/** Somebody else has written one of the documents since the transaction began. */
const WRITE_CONFLICT = 112;
/** Documents of one command at most. */
const AT_ONCE = 1_000;
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
    readonly decide: (stored: readonly StoredDocument[]) => Iterable<DocumentWrite>;
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
  for (const [at, { key, doesBare, isNew }] of wanted.entries()) {
    if (isNew === true) continue;
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

/** Each write is bytes as soon as it is decided; while one command is carried out, the next is made ready. */
async function write(
  db: Db,
  plan: Plan,
  session: ClientSession,
  { writes, term }: { readonly writes: Iterable<DocumentWrite>; readonly term: number },
): Promise<'written' | 'refused'> {
  const begin = {
    insert: () => new Statements('insert', plan, term),
    update: () => new Statements('update', plan, term),
  };
  const open = { insert: begin.insert(), update: begin.update() };
  let sent: Promise<void> = Promise.resolve();
  const send = async (kind: keyof typeof open): Promise<void> => {
    const statements = open[kind];
    open[kind] = begin[kind]();
    if (statements.size === 0) return;
    await sent;
    sent = carryOut(db, plan, session, statements);
    // What it throws is thrown by who waits for it next.
    sent.catch(() => undefined);
  };
  try {
    for (const one of writes) {
      const kind = one.before.revision === null ? 'insert' : 'update';
      if (open[kind].add(one) > 0) {
        await send(kind);
        if (open[kind].add(one) > 0) return 'refused';
      }
      if (open[kind].size >= AT_ONCE) await send(kind);
    }
    await send('insert');
    await send('update');
  } finally {
    // A session has one command at a time, the one that ends its transaction included.
    await sent;
  }
  return 'written';
}

async function carryOut(db: Db, plan: Plan, session: ClientSession, statements: Statements): Promise<void> {
  const { size } = statements;
  const reply = await reach(() => statements.send((command) => db.command(command, { session })));
  const [fault] = (reply.writeErrors ?? []) as readonly Document[];
  if (fault !== undefined) throw new MongoServerError({ ...fault });
  assert(reply.n === size, `a document of ${plan.collection} is removed only by Ficus, which does not`);
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
