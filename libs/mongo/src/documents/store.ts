import { type Collection, type Db, type Document, MongoServerError } from 'mongodb';
import { emptyDocument, type StoredDocument } from '#core/apply';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import { assert, FicusError } from '#core/errors';
import { keyText } from '#core/key';
import type { Plan } from '#core/plan';
import type { DocumentStore, DocumentWrite, SaveResult } from '#core/ports/document-store';
import type { ListQuery, Page } from '#core/query';
import { reach } from '../reach.ts';
import { BSON_OPTIONS, toId } from './bson.ts';
import { findPlan } from './filter.ts';
import { readCanonical, readStored, writeFields, writeWhole } from './stored.ts';

const DUPLICATE_KEY = 11_000;
const VALIDATION = 121;
const DURABLE = { w: 'majority', j: true } as const;
/** Milliseconds after which a read or write is given up and tried again by the caller. */
const MAX_TIME_MS = 30_000;

interface WriteError {
  readonly index: number;
  readonly code: number;
  readonly errmsg: string;
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
    const results = await Promise.all([this.#insert(plan, term, inserts), this.#update(plan, term, updates)]);
    return {
      conflicts: results.flatMap((one) => one.conflicts),
      rejected: results.flatMap((one) => one.rejected),
    };
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

  async #insert(plan: Plan, term: number, writes: readonly DocumentWrite[]): Promise<SaveResult> {
    if (writes.length === 0) return { conflicts: [], rejected: [] };
    const documents = writes.map((write) => writeWhole(toId(plan, write.after.key), plan, term, write.after));
    const reply = await this.#command({ insert: plan.collection, documents });
    return sorted(writes, reply);
  }

  async #update(plan: Plan, term: number, writes: readonly DocumentWrite[]): Promise<SaveResult> {
    if (writes.length === 0) return { conflicts: [], rejected: [] };
    // An upsert whose revision no longer matches collides on `_id`: so the server names each write that lost.
    const updates = writes.map((write) => {
      const revision = write.before.revision === 0 ? { $exists: false } : write.before.revision;
      const q = { _id: toId(plan, write.after.key), '_m.n': revision };
      return { q, u: { $set: writeFields(plan, term, write.after) }, upsert: true };
    });
    const reply = await this.#command({ update: plan.collection, updates });
    assert(
      reply.upserted === undefined,
      `a document of ${plan.collection} was removed while it was updated; Ficus deletes by tombstone`,
    );
    return sorted(writes, reply);
  }

  async #command(command: Document): Promise<Document> {
    return await reach(async () => {
      const reply = await this.#db.command(
        { ...command, ordered: false, writeConcern: DURABLE, maxTimeMS: MAX_TIME_MS },
        { ignoreUndefined: false },
      );
      if (reply.writeConcernError !== undefined)
        throw new MongoServerError(reply.writeConcernError as Document);
      return reply;
    });
  }

  #collection(plan: Plan): Collection {
    return this.#db.collection(plan.collection);
  }
}

function sorted(writes: readonly DocumentWrite[], reply: Document): SaveResult {
  const conflicts: DocumentWrite[] = [];
  const rejected: { write: DocumentWrite; reason: string }[] = [];
  for (const error of (reply.writeErrors as WriteError[] | undefined) ?? []) {
    const write = writes[error.index];
    assert(write !== undefined, `MongoDB reported write ${error.index} of ${writes.length}`);
    if (error.code === DUPLICATE_KEY) conflicts.push(write);
    else if (error.code === VALIDATION) rejected.push({ write, reason: error.errmsg });
    else
      throw new FicusError('mongo_unavailable', `MongoDB: ${error.errmsg} (${error.code})`, {
        retryable: true,
      });
  }
  return { conflicts, rejected };
}
