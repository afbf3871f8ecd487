import { type Digest, fold, type RowChange, type StoredDocument } from '#core/apply';
import type { DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import type { DocumentStore, DocumentWrite } from '#core/ports/document-store';
import type { ApplyContext } from './batch-applier.ts';

export interface DoubtParts {
  readonly documents: DocumentStore;
  readonly digest: Digest;
}

export type DoubtContext = Pick<ApplyContext, 'plan' | 'term' | 'isCurrent'>;

/** Documents looked at together. */
const BATCH = 500;

/** Goes through all documents of a unit and puts rows of them in doubt, so that they are read from the source. */
export class Doubts {
  readonly #parts: DoubtParts;

  constructor(parts: DoubtParts) {
    this.#parts = parts;
  }

  /** @param of the doubts about one stored document. @throws FicusError when a store is away or refuses a document. */
  async raise(context: DoubtContext, of: (stored: StoredDocument) => readonly RowChange[]): Promise<number> {
    let raised = 0;
    let after: DocumentKey | null = null;
    for (;;) {
      const keys: readonly DocumentKey[] = await this.#parts.documents.keysAfter(context.plan, after, BATCH);
      const last = keys.at(-1);
      if (last === undefined) return raised;
      let open: readonly DocumentKey[] = keys;
      while (open.length > 0) {
        const { written, conflicts } = await this.#raise(context, open, of);
        raised += written;
        open = conflicts;
      }
      after = last;
    }
  }

  /** Answers the documents that another writer was faster on. */
  async #raise(
    { plan, term, isCurrent }: DoubtContext,
    keys: readonly DocumentKey[],
    of: (stored: StoredDocument) => readonly RowChange[],
  ): Promise<{ written: number; conflicts: readonly DocumentKey[] }> {
    const { documents, digest } = this.#parts;
    const writes: DocumentWrite[] = [];
    for (const before of await documents.load(plan, keys)) {
      const { document: after, dirty } = fold(before, of(before), digest);
      if (dirty) writes.push({ before, after });
    }
    const { conflicts, rejected } = await documents.save(plan, term, writes);
    const [first] = rejected;
    if (first !== undefined && !(await isCurrent()))
      throw new FicusError('state_conflict', `${plan.unit} has moved on while its rows were put in doubt`, {
        retryable: true,
      });
    if (first !== undefined)
      throw new FicusError('value_invalid', `MongoDB refused a document: ${first.reason}`);
    return {
      written: writes.length - conflicts.length,
      conflicts: conflicts.map(({ before }) => before.key),
    };
  }
}
