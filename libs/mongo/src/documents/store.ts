import { type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { emptyDocument, type StoredDocument } from '#core/apply';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import { assert, FicusError } from '#core/errors';
import { keyText } from '#core/key';
import type { Plan } from '#core/plan';
import type { DocumentStore, DocumentWrite, Exchanged, SaveResult, Wanted } from '#core/ports/document-store';
import type { ListQuery, Page } from '#core/query';
import { reach } from '../reach.ts';
import { BSON_OPTIONS, fromId, toId } from './bson.ts';
import { exchange } from './exchange.ts';
import { findPlan } from './filter.ts';
import { Statements, sendInTurn } from './statements.ts';
import { MEND, readCanonical, readStored } from './stored.ts';

const DUPLICATE_KEY = 11_000;
/**
 * Refusals of one document that no repetition mends: the validator, a document that would grow too large, a path
 * that leads through a value which is no object. The document's events are put aside; its neighbours go on.
 */
const REFUSED = [2, 28, 121, 10_334, 17_419, 17_420];
/**
 * Refusals of one document by an index that somebody else made: two arrays in one index; what a text, hashed or
 * geographic index cannot take. The codes that the server itself lists as such, in `getKeys` of its
 * `src/mongo/db/index/index_access_method.cpp`; most of them have no name.
 */
const UNINDEXABLE = [
  171, 201, 13_026, 13_027, 13_067, 13_068, 16_675, 16_732, 16_733, 16_746, 16_755, 16_756, 16_766, 16_804,
  17_261, 17_262,
];
const DURABLE = { w: 'majority', j: true } as const;
/** Milliseconds after which a read or write is given up and tried again by the caller. */
const MAX_TIME_MS = 30_000;

interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
  /** Of the unique index, with a duplicate key. */
  readonly keyPattern?: Document;
}

/** MongoDB behind the document port. Writes go through plain commands: a driver's bulk write costs twice the time. */
export class MongoDocumentStore implements DocumentStore {
  readonly #db: Db;

  constructor(db: Db) {
    this.#db = db;
  }

  async load(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly StoredDocument[]> {
    const found = await reach(() =>
      this.#collection(plan)
        .find({ _id: { $in: keys.map((key) => toId(plan, key)) } } as Document, {
          ...BSON_OPTIONS,
          readPreference: 'primary',
          maxTimeMS: MAX_TIME_MS,
        })
        .toArray(),
    );
    const byKey = new Map(found.map((one) => readStored(plan, one)).map((one) => [keyText(one.key), one]));
    return keys.map((key) => byKey.get(keyText(key)) ?? emptyDocument(key));
  }

  async save(plan: Plan, term: number, writes: readonly DocumentWrite[]): Promise<SaveResult> {
    const inserts = writes.filter((write) => write.before.revision === null);
    const updates = writes.filter((write) => write.before.revision !== null);
    return merged(
      await Promise.all([
        this.#send('insert', plan, term, inserts),
        this.#send('guarded', plan, term, updates),
      ]),
    );
  }

  async exchange(
    plan: Plan,
    term: number,
    wanted: readonly Wanted[],
    decide: (stored: readonly StoredDocument[]) => Iterable<DocumentWrite>,
  ): Promise<Exchanged> {
    const refusals = [...REFUSED, ...UNINDEXABLE];
    return await exchange(this.#db, plan, { term, wanted, decide, refusals, maxTimeMS: MAX_TIME_MS });
  }

  async keysAfter(plan: Plan, after: DocumentKey | null, most: number): Promise<readonly DocumentKey[]> {
    const filter = (after === null ? {} : { _id: { $gt: toId(plan, after) } }) as Document;
    const found = await reach(() =>
      this.#collection(plan)
        .find(filter, { ...BSON_OPTIONS, projection: { _id: 1 }, maxTimeMS: MAX_TIME_MS })
        .sort({ _id: 1 })
        .limit(most)
        .toArray(),
    );
    return found.map(({ _id }) => fromId(plan, _id));
  }

  async unsound(plan: Plan, most: number): Promise<readonly DocumentKey[]> {
    const found = await reach(() =>
      this.#collection(plan)
        .find({ [MEND]: true }, { ...BSON_OPTIONS, projection: { _id: 1 }, maxTimeMS: MAX_TIME_MS })
        .limit(most)
        .toArray(),
    );
    return found.map(({ _id }) => fromId(plan, _id));
  }

  async isUnsure(plan: Plan, key: DocumentKey | null): Promise<boolean> {
    const one = key === null ? {} : { _id: toId(plan, key) };
    const filter: Document = { ...one, [MEND]: true };
    const options = { projection: { _id: 1 }, maxTimeMS: MAX_TIME_MS };
    return (await reach(() => this.#collection(plan).findOne(filter, options))) !== null;
  }

  async readOne(plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null> {
    const [found] = await this.readMany(plan, [key]);
    return found ?? null;
  }

  async readMany(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly CanonicalDocument[]> {
    const filter: Document = { _id: { $in: keys.map((key) => toId(plan, key)) }, '_m.live': true };
    const found = await reach(() =>
      this.#collection(plan)
        .find(filter, { ...BSON_OPTIONS, maxTimeMS: MAX_TIME_MS })
        .toArray(),
    );
    return found.map((one) => readCanonical(plan, one));
  }

  async list(plan: Plan, query: ListQuery): Promise<Page> {
    const { filter, sort } = findPlan(plan, query);
    const found = await reach(() =>
      this.#collection(plan)
        .find(filter, { ...BSON_OPTIONS, maxTimeMS: MAX_TIME_MS })
        .sort(sort as Record<string, 1 | -1>)
        .limit(query.limit + 1)
        .toArray(),
    );
    return {
      documents: found.slice(0, query.limit).map((one) => readCanonical(plan, one)),
      more: found.length > query.limit,
    };
  }

  async count(plan: Plan): Promise<number> {
    return await reach(() => this.#collection(plan).countDocuments({ '_m.live': true }));
  }

  /** In as many commands as it takes; a write that no command can hold is refused here. */
  async #send(
    kind: 'insert' | 'guarded',
    plan: Plan,
    term: number,
    writes: readonly DocumentWrite[],
  ): Promise<SaveResult> {
    const results: SaveResult[] = [];
    const rejected = await sendInTurn(
      () => new Statements(kind, plan, term),
      writes,
      async (statements, own) => {
        results.push(sorted(own, await this.#command(statements)));
      },
    );
    return merged([{ conflicts: [], rejected }, ...results]);
  }

  async #command(statements: Statements): Promise<Document> {
    const options = { ordered: false, writeConcern: DURABLE, maxTimeMS: MAX_TIME_MS };
    const reply = await reach(() =>
      statements.send((command) => this.#db.command({ ...command, ...options })),
    );
    if (reply.writeConcernError !== undefined)
      throw new MongoServerError(reply.writeConcernError as Document);
    assert(
      reply.upserted === undefined,
      'a document was removed while it was updated; Ficus deletes by tombstone',
    );
    return reply;
  }

  #collection(plan: Plan): Collection {
    return this.#db.collection(plan.collection);
  }
}

function merged(results: readonly SaveResult[]): SaveResult {
  return {
    conflicts: results.flatMap((one) => one.conflicts),
    rejected: results.flatMap((one) => one.rejected),
  };
}

function sorted(writes: readonly DocumentWrite[], reply: Document): SaveResult {
  const conflicts: DocumentWrite[] = [];
  const rejected: { write: DocumentWrite; reason: string }[] = [];
  for (const error of (reply.writeErrors as WriteError[] | undefined) ?? []) {
    const write = writes[error.index];
    assert(write !== undefined, `MongoDB reported write ${error.index} of ${writes.length}`);
    if (isLostRace(error)) {
      conflicts.push(write);
      continue;
    }
    const reason = refusalOf(error);
    if (reason === null)
      throw new FicusError('mongo_unavailable', `MongoDB: ${error.errmsg} (${error.code})`, {
        retryable: true,
      });
    rejected.push({ write, reason });
  }
  return { conflicts, rejected };
}

/** Two writers of one document meet on its `_id`, which the server checks before any other index. */
function isLostRace({ code, keyPattern }: WriteError): boolean {
  return code === DUPLICATE_KEY && JSON.stringify(keyPattern) === '{"_id":1}';
}

/** Why a document is refused for good, without its values; null when it is not, and may be tried again. */
function refusalOf({ code, errmsg, keyPattern = {} }: WriteError): string | null {
  if (code === DUPLICATE_KEY) {
    const name = / index: (.+?) (?:collation|dup key): \{/.exec(errmsg)?.[1] ?? 'of unknown name';
    const fields = Object.keys(keyPattern).join(', ');
    return `unique index ${name}: another document has the same ${fields}`;
  }
  if (UNINDEXABLE.includes(code))
    return `an index cannot take the document: ${beforeValues(errmsg)} (${code})`;
  return REFUSED.includes(code) ? beforeValues(errmsg) : null;
}

/** The server quotes the document, or the part in question, in braces. */
function beforeValues(errmsg: string): string {
  return errmsg.replace(/\{.*/s, '').trim();
}
