import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CanonicalDocument, DocumentKey } from '#core/document';
import { compareKeys, keyText } from '#core/key';
import { keyFields } from '#core/plan';
import { compareDocuments, type Difference } from '#core/reconcile';
import { keyOf } from '#core/render';
import { type ReadChunk, type ScanStep, scan } from '#core/scan';
import { aPlan } from '#testing/plans';

const plan = aPlan();
const fields = keyFields(plan.root);
const types = fields.map((field) => field.type);

function aDocument(region: string, number: string, amount: string): CanonicalDocument {
  return { root: { region, number, amount }, embeds: {} };
}

/** A store in memory; `size` says how many documents each read answers. */
function reader(documents: readonly CanonicalDocument[], size: () => number): ReadChunk {
  const keyed = documents
    .map((document) => ({ key: keyOf(fields, document.root), document }))
    .sort((a, b) => compareKeys(a.key, b.key, types));
  return async (after) => {
    const rest = keyed.filter(({ key }) => after === null || compareKeys(key, after, types) > 0);
    const limit = size();
    return { documents: rest.slice(0, limit).map((one) => one.document), more: rest.length > limit };
  };
}

async function collect(steps: AsyncIterable<ScanStep>): Promise<ScanStep[]> {
  const all: ScanStep[] = [];
  for await (const step of steps) all.push(step);
  return all;
}

/** The same by two maps, which need everything in memory. */
function naive(legacy: readonly CanonicalDocument[], mongodb: readonly CanonicalDocument[]) {
  const index = (side: readonly CanonicalDocument[]) =>
    new Map(side.map((document) => [keyText(keyOf(fields, document.root)), document]));
  const a = index(legacy);
  const b = index(mongodb);
  const keys = new Set([...a.keys(), ...b.keys()]);
  const differences = [...keys]
    .map((key) => compareDocuments(plan, key, a.get(key) ?? null, b.get(key) ?? null))
    .filter((difference): difference is Difference => difference !== null);
  return { compared: keys.size, differences };
}

const byKey = (a: Difference, b: Difference): number => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);

const documents = fc.uniqueArray(
  fc.record({
    // Astral and private-use characters: the two whose order differs between code points and UTF-16 units.
    region: fc.constantFrom('', 'a', 'b', '\u{1f600}', '\uffee', 'a\u{10000}'),
    number: fc.bigInt({ min: -12n, max: 12n }).map(String),
    amount: fc.constantFrom('1.00', '2.00'),
  }),
  { selector: ({ region, number }) => `${region}/${number}`, maxLength: 60 },
);
const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 9 }));

describe('scan', () => {
  it('finds what a comparison of maps finds, for any contents and any chunk sizes', async () => {
    await fc.assert(
      fc.asyncProperty(documents, documents, sizes, sizes, async (left, right, leftSizes, rightSizes) => {
        const legacy = left.map((one) => aDocument(one.region, one.number, one.amount));
        const mongodb = right.map((one) => aDocument(one.region, one.number, one.amount));
        const next = (stream: Iterator<number>) => () => Number(stream.next().value);
        const steps = await collect(
          scan(plan, reader(legacy, next(leftSizes)), reader(mongodb, next(rightSizes))),
        );
        const expected = naive(legacy, mongodb);
        const found = steps.flatMap((step) => step.suspects.map((suspect) => suspect.difference));
        expect(found.sort(byKey)).toEqual(expected.differences.sort(byKey));
        expect(steps.reduce((sum, step) => sum + step.compared, 0)).toBe(expected.compared);
      }),
    );
  });

  it('goes on from any step as if it had never stopped', async () => {
    await fc.assert(
      fc.asyncProperty(documents, documents, fc.nat(), async (left, right, cut) => {
        const legacy = reader(
          left.map((one) => aDocument(one.region, one.number, one.amount)),
          () => 3,
        );
        const mongodb = reader(
          right.map((one) => aDocument(one.region, one.number, one.amount)),
          () => 4,
        );
        const whole = await collect(scan(plan, legacy, mongodb));
        const done = whole.slice(0, whole.length === 0 ? 0 : cut % whole.length);
        const rest = await collect(scan(plan, legacy, mongodb, done.at(-1)?.through ?? null));
        const keys = (steps: readonly ScanStep[]) =>
          steps.flatMap((step) => step.suspects.map((suspect) => suspect.difference.key));
        const compared = (steps: readonly ScanStep[]) => steps.reduce((sum, step) => sum + step.compared, 0);
        expect([...keys(done), ...keys(rest)]).toEqual(keys(whole));
        expect(compared(done) + compared(rest)).toBe(compared(whole));
      }),
    );
  });

  it('holds no more than a chunk of each side', async () => {
    let held = 0;
    const many = Array.from({ length: 100 }, (_, at) => aDocument('a', String(at), '1.00'));
    const legacy = reader(many, () => 10);
    const counted: ReadChunk = async (after) => {
      const page = await legacy(after);
      held += page.documents.length;
      return page;
    };
    for await (const step of scan(plan, counted, legacy)) {
      expect(held).toBeLessThanOrEqual(10);
      held -= step.compared;
    }
  });

  it('ends without a step when both are empty', async () => {
    const none: ReadChunk = async () => ({ documents: [], more: false });
    expect(await collect(scan(plan, none, none))).toEqual([]);
  });

  it('refuses a store that does not read in key order', async () => {
    const wrong: ReadChunk = async () => ({
      documents: [aDocument('b', '1', '1.00'), aDocument('a', '1', '1.00')],
      more: false,
    });
    const none: ReadChunk = async () => ({ documents: [], more: false });
    await expect(collect(scan(plan, none, wrong))).rejects.toThrow(
      /MongoDB answers key a,1 of orders after b,1/,
    );
  });

  it('refuses a store that answers the key it was told to start after', async () => {
    const stuck: ReadChunk = async (_after: DocumentKey | null) => ({
      documents: [aDocument('a', '1', '1.00')],
      more: true,
    });
    await expect(collect(scan(plan, stuck, stuck))).rejects.toThrow(/strictly ascending/);
  });
});
