import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { keyText } from '#core/key';
import { keyFields, type Plan } from '#core/plan';
import type { Watermark } from '#core/ports/control';
import type { DocumentStore } from '#core/ports/document-store';
import type { LegacyStore } from '#core/ports/legacy-store';
import { compareDocuments, type Difference } from '#core/reconcile';
import { keyOf } from '#core/render';

/**
 * Tells replication in flight from drift, by position and not by sleeping: a key's legacy row is marked, everything
 * that legacy had committed by then is let through, and the key is read again. If the row has not moved since the
 * mark, MongoDB had every chance, and what still differs is drift. If it has moved, nothing is proved, and the key
 * goes round again.
 */

export interface RecheckParts {
  readonly legacy: LegacyStore;
  readonly documents: DocumentStore;
  readonly watermark: Watermark;
  /** Repeats a call through an outage of what it depends on. */
  readonly through: <T>(dependency: string, call: () => Promise<T>) => Promise<T>;
}

export interface Rechecked {
  readonly confirmed: readonly Difference[];
  /** Keys that were equal when read again. */
  readonly inFlight: number;
  /** Keys whose legacy row moved in every round. */
  readonly unsettled: readonly DocumentKey[];
}

/** A row that moves in so many rounds in turn is given up. */
const ROUNDS = 5;
/** Replication that takes longer than this for one position stands still, for all that a verification can tell. */
const PASS_MS = 300_000;
/** Keys read at once. */
const BATCH = 200;

/** @throws FicusError `replication_stalled` when nothing can be told, since events do not come through. */
export async function recheck(
  plan: Plan,
  keys: readonly DocumentKey[],
  parts: RecheckParts,
): Promise<Rechecked> {
  const confirmed: Difference[] = [];
  let inFlight = 0;
  let open = keys;
  let marks = (await readLegacy(plan, open, parts)).marks;
  for (let round = 0; round < ROUNDS && open.length > 0; round++) {
    if (!(await parts.through('replication', () => parts.watermark.passed(plan.unit, PASS_MS)))) {
      throw new FicusError(
        'replication_stalled',
        `${open.length} keys differ, and replication did not get past them within ${PASS_MS / 1_000} s`,
      );
    }
    // MongoDB first: a row that has not moved until legacy is read cannot have moved under MongoDB's read.
    const mongodb = await readMongo(plan, open, parts);
    const legacy = await readLegacy(plan, open, parts);
    const moved: DocumentKey[] = [];
    for (const key of open) {
      const text = keyText(key);
      const difference = compareDocuments(
        plan,
        text,
        legacy.documents.get(text) ?? null,
        mongodb.get(text) ?? null,
      );
      if (difference === null) inFlight++;
      else if (marks.get(text) === legacy.marks.get(text)) confirmed.push(difference);
      else moved.push(key);
    }
    open = moved;
    marks = legacy.marks;
  }
  return { confirmed, inFlight, unsettled: open };
}

async function readLegacy(
  plan: Plan,
  keys: readonly DocumentKey[],
  { legacy, through }: RecheckParts,
): Promise<{ documents: Map<string, CanonicalDocument>; marks: Map<string, string> }> {
  const fields = keyFields(plan.root);
  const documents = new Map<string, CanonicalDocument>();
  const marks = new Map<string, string>();
  for (const batch of batches(keys)) {
    for (const { document, mark } of await through(plan.system, () => legacy.readMarked(plan, batch))) {
      const text = keyText(keyOf(fields, document.root));
      documents.set(text, document);
      marks.set(text, mark);
    }
  }
  return { documents, marks };
}

async function readMongo(
  plan: Plan,
  keys: readonly DocumentKey[],
  { documents, through }: RecheckParts,
): Promise<Map<string, CanonicalDocument>> {
  const fields = keyFields(plan.root);
  const found = new Map<string, CanonicalDocument>();
  for (const batch of batches(keys)) {
    for (const document of await through('mongodb', () => documents.readMany(plan, batch)))
      found.set(keyText(keyOf(fields, document.root)), document);
  }
  return found;
}

function batches(keys: readonly DocumentKey[]): readonly (readonly DocumentKey[])[] {
  return Array.from({ length: Math.ceil(keys.length / BATCH) }, (_, at) =>
    keys.slice(at * BATCH, (at + 1) * BATCH),
  );
}
