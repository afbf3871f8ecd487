import type { Document } from 'mongodb';
import type { Plan } from '#core/plan';
import type { DocumentWrite } from '#core/ports/document-store';
import { type BsonWriter, nameOf } from '../bson-writer.ts';
import { RawBatch } from '../raw-batch.ts';
import { StoredWriter } from './stored-writer.ts';

/** MongoDB takes a document up to 16 MiB; the rest is what is around it in a statement. */
const MAX_BYTES = 16 * 1024 * 1024 - 64 * 1024;

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
  #writer: StoredWriter | null = null;
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
    const batch = this.#batch;
    if (batch === null) throw new Error('there is nothing to send');
    this.#batch = null;
    this.#writer = null;
    const { collection } = this.#plan;
    return await batch.use((documents) =>
      send(
        this.#kind === 'insert'
          ? { insert: collection, documents }
          : { update: collection, updates: documents },
      ),
    );
  }

  #statement(out: BsonWriter, { before, after }: DocumentWrite): void {
    this.#writer ??= new StoredWriter(out, this.#plan, this.#term);
    const writer = this.#writer;
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

/** What became of a write that no command can hold. */
export interface TooLarge {
  readonly write: DocumentWrite;
  readonly reason: string;
}

/**
 * Sends writes in as many commands as it takes, one after the other, each as soon as it is full.
 * @param send is given the command's writes beside it.
 * @returns those that no command can hold; they are not sent.
 */
export async function sendInTurn(
  begin: () => Statements,
  writes: readonly DocumentWrite[],
  send: (statements: Statements, writes: readonly DocumentWrite[]) => Promise<void>,
): Promise<readonly TooLarge[]> {
  const tooLarge: TooLarge[] = [];
  let [statements, own]: [Statements, DocumentWrite[]] = [begin(), []];
  for (const write of writes) {
    if (statements.add(write) > 0) {
      if (own.length > 0) await send(statements, own);
      [statements, own] = [begin(), []];
      const bytes = statements.add(write);
      if (bytes > 0) {
        tooLarge.push({ write, reason: `${bytes} bytes; at most ${MAX_BYTES} fit` });
        continue;
      }
    }
    own.push(write);
  }
  if (own.length > 0) await send(statements, own);
  return tooLarge;
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
