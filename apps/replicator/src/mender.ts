import { type Digest, fold, needsSource } from '#core/apply';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import { keyText } from '#core/key';
import { mendingChanges } from '#core/mend';
import { authorityOf } from '#core/phase';
import { keyFields } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type { DocumentStore, DocumentWrite } from '#core/ports/document-store';
import type { LegacyStore } from '#core/ports/legacy-store';
import { keyOf } from '#core/render';
import type { Unit } from '#core/unit-state';

export interface MenderParts {
  readonly legacy: LegacyStore;
  readonly documents: DocumentStore;
  readonly digest: Digest;
  readonly clock: Clock;
}

/** Documents read from the source at once. */
const BATCH = 200;
/** What the source has no answer to (a child whose parent has not come, a value that no document can hold) waits. */
const AGAIN_MS = 30_000;

/**
 * Reads from the source what the log did not tell: a large value that had not changed when its row was first seen, or
 * which of a snapshot's row and a direct write is newer. Several may do so at once, since a document is written only
 * over the revision that was looked at before the source was read.
 */
export class Mender {
  readonly #parts: MenderParts;
  /** When a document that could not be mended is tried again, by unit and key. */
  readonly #again = new Map<string, number>();

  constructor(parts: MenderParts) {
    this.#parts = parts;
  }

  /** One round for one unit; answers how many documents are sound by it. @throws FicusError when a store is away. */
  async round({ plan, state }: Unit): Promise<number> {
    const { documents, legacy, clock, digest } = this.#parts;
    if (authorityOf(state.phase) !== 'legacy') return 0;
    const now = clock.now();
    const nameOf = (key: DocumentKey) => `${plan.unit} ${keyText(key)}`;
    for (const [name, at] of this.#again) if (at <= now) this.#again.delete(name);
    const all = await documents.unsound(plan, BATCH + this.#again.size);
    const keys = all.filter((key) => !this.#again.has(nameOf(key))).slice(0, BATCH);
    if (keys.length === 0) return 0;
    const stored = await documents.load(plan, keys);
    const fields = keyFields(plan.root);
    const found = new Map<string, CanonicalDocument>();
    for (const { document } of await legacy.readMarked(plan, keys))
      found.set(keyText(keyOf(fields, document.root)), document);
    const writes: DocumentWrite[] = [];
    for (const before of stored) {
      const source = found.get(keyText(before.key)) ?? null;
      const changes = mendingChanges(plan, before, source, state.epoch);
      const { document: after, dirty } = fold(before, changes, digest);
      if (dirty) writes.push({ before, after });
      if (needsSource(after)) this.#again.set(nameOf(before.key), now + AGAIN_MS);
    }
    const { conflicts, rejected } = await documents.save(plan, state.term, writes);
    for (const { write } of rejected) this.#again.set(nameOf(write.before.key), now + AGAIN_MS);
    const lost = new Set([...conflicts, ...rejected.map(({ write }) => write)]);
    return writes.filter((write) => !lost.has(write) && !needsSource(write.after)).length;
  }
}
