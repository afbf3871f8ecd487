import { hash } from 'node:crypto';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { keyText } from '#core/key';
import { keyFields, type Plan } from '#core/plan';
import type { Watermark } from '#core/ports/control';
import type { DocumentStore } from '#core/ports/document-store';
import type { LegacyStore, MarkedDocument } from '#core/ports/legacy-store';
import { compareDocuments, type Difference } from '#core/reconcile';
import { keyOf, renderDocument } from '#core/render';

/**
 * Tells replication in flight from drift, by position and not by sleeping: a key's legacy row is read, everything that
 * legacy had committed by then is let through, and the key is read again. If the row has moved, nothing is proved, and
 * the key goes round again. If it has not, MongoDB had every chance, but the row may have gone away and come back in
 * between, with MongoDB read while it was away: an absent row has no mark, and on Db2 the mark is the content. So what
 * differs is drift only when another round, past a new position, finds both sides as they were.
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
  /** Keys that never held still for long enough. */
  readonly unsettled: readonly DocumentKey[];
}

/** A key that has not held still for two rounds in turn within so many is given up. */
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
  let sights = firstSights(plan, open, await readLegacy(plan, open, parts));
  for (let round = 0; round < ROUNDS && open.length > 0; round++) {
    if (!(await parts.through('replication', () => parts.watermark.passed(plan.unit, PASS_MS)))) {
      throw new FicusError(
        'replication_stalled',
        `${open.length} keys differ, and replication did not get past them within ${PASS_MS / 1_000} s`,
      );
    }
    // MongoDB first: a row that is the same when legacy is read moved under MongoDB's read only if it came back since.
    const mongodb = await readMongo(plan, open, parts);
    const legacy = await readLegacy(plan, open, parts);
    const undecided: DocumentKey[] = [];
    const next = new Map<string, Sight>();
    for (const key of open) {
      const text = keyText(key);
      const row = legacy.get(text);
      const document = mongodb.get(text);
      const difference = compareDocuments(plan, text, row?.document ?? null, document ?? null);
      if (difference === null) {
        inFlight++;
        continue;
      }
      const sight = look(sights.get(text), imageOf(plan, row?.document, row?.mark), imageOf(plan, document));
      if (sight === 'unmoved') {
        confirmed.push(difference);
        continue;
      }
      undecided.push(key);
      next.set(text, sight);
    }
    open = undecided;
    sights = next;
  }
  return { confirmed, inFlight, unsettled: open };
}

/** What a round leaves of a key to the next one. Images are digests: keys may be many, and documents large. */
interface Sight {
  readonly legacy: string;
  /** Null: MongoDB was not read, or while legacy moved, so that the next round is the first to tell anything. */
  readonly mongodb: string | null;
}

/** Has either side moved since the sight before? If not, and that one was past a position too, nothing will come. */
function look(before: Sight | undefined, legacy: string, mongodb: string): Sight | 'unmoved' {
  if (before?.legacy !== legacy) return { legacy, mongodb: null };
  return before.mongodb === mongodb ? 'unmoved' : { legacy, mongodb };
}

function firstSights(
  plan: Plan,
  keys: readonly DocumentKey[],
  rows: ReadonlyMap<string, MarkedDocument>,
): Map<string, Sight> {
  return new Map(
    keys.map(keyText).map((text) => {
      const row = rows.get(text);
      return [text, { legacy: imageOf(plan, row?.document, row?.mark), mongodb: null }];
    }),
  );
}

/** What tells whether a side has moved: the mark, of legacy's row, and the content. */
function imageOf(plan: Plan, document: CanonicalDocument | undefined, mark = ''): string {
  if (document === undefined) return 'absent';
  const content = document.unreadable === undefined ? renderDocument(plan, document) : document;
  return hash('sha256', JSON.stringify([mark, content]), 'base64');
}

async function readLegacy(
  plan: Plan,
  keys: readonly DocumentKey[],
  { legacy, through }: RecheckParts,
): Promise<Map<string, MarkedDocument>> {
  const fields = keyFields(plan.root);
  const found = new Map<string, MarkedDocument>();
  for (const batch of batches(keys)) {
    for (const row of await through(plan.system, () => legacy.readMarked(plan, batch)))
      found.set(keyText(keyOf(fields, row.document.root)), row);
  }
  return found;
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
