import type { Document } from 'mongodb';
import type { Plan } from '#core/plan';
import type { DocumentWrite } from '#core/ports/document-store';
import { type BsonWriter, nameOf } from '../bson-writer.ts';
import { RawBatch } from '../raw-batch.ts';
import { StoredWriter } from './stored-writer.ts';

/** MongoDB takes a document up to 16 MiB; the rest is what is around it in a statement. */
export const MAX_BYTES = 16 * 1024 * 1024 - 64 * 1024;

const Q = nameOf('q');
const U = nameOf('u');
const UPSERT = nameOf('upsert');
const EXISTS = nameOf('$exists');
const REVISION = nameOf('_m.n');

/**
 * insert: of documents that are not there. update: of those that are, by `_id` alone, within a transaction. guarded: of
 * those whose revision is the one that the write was decided on; one that is not collides on `_id`, so that the server
 * names each write that lost.
 */
export type StatementKind = 'insert' | 'update' | 'guarded';

/** The writes of one command. */
export class Statements {
  readonly #kind: StatementKind;
  readonly #plan: Plan;
  readonly #term: number;
  #batch: RawBatch | null = null;
  #size = 0;

  /** @param term of the fence, stamped on every write. */
  constructor(kind: StatementKind, plan: Plan, term: number) {
    this.#kind = kind;
    this.#plan = plan;
    this.#term = term;
  }

  get size(): number {
    return this.#size;
  }

  /** @returns 0, or how many bytes the write has when it does not fit any more: then it is not added. */
  add(write: DocumentWrite): number {
    this.#batch ??= new RawBatch(this.#kind === 'insert' ? 'documents' : 'updates');
    const bytes = this.#batch.add((out) => this.#statement(out, write));
    if (this.#batch.length > MAX_BYTES) {
      this.#batch.undo();
      return bytes;
    }
    this.#size += 1;
    return 0;
  }

  /** Sends what was added, once. @param send carries out the command. */
  async send(send: (command: Document) => Promise<Document>): Promise<Document> {
    if (this.#batch === null) throw new Error('there is nothing to send');
    const { collection } = this.#plan;
    return await this.#batch.use((documents) =>
      send(
        this.#kind === 'insert'
          ? { insert: collection, documents }
          : { update: collection, updates: documents },
      ),
    );
  }

  #statement(out: BsonWriter, { before, after }: DocumentWrite): void {
    const writer = new StoredWriter(out, this.#plan, this.#term);
    if (this.#kind === 'insert') {
      writer.whole(after);
      return;
    }
    const from = out.open();
    const q = out.openDocument(Q);
    writer.id(after.key);
    if (this.#kind === 'guarded') writeRevision(out, before.revision ?? 0);
    out.close(q);
    writer.update(U, after);
    if (this.#kind === 'guarded') out.boolean(UPSERT, true);
    out.close(from);
  }
}

/** 0: somebody else has written the document, without a revision. */
function writeRevision(out: BsonWriter, revision: number): void {
  if (revision !== 0) {
    out.int(REVISION, revision);
    return;
  }
  const from = out.openDocument(REVISION);
  out.boolean(EXISTS, false);
  out.close(from);
}
