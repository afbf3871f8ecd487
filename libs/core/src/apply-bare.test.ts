import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bareCondition,
  canonicalText,
  emptyDocument,
  fold,
  type RowChange,
  type StoredDocument,
  type StoredRow,
} from './apply.ts';
import type { Evidence, LogPosition, Position } from './version.ts';

const digest = (text: string): string => `#${text}`;
const position = fc.bigInt({ min: 0n, max: 3n });
const log = fc.record({
  incarnation: fc.constant(1),
  partition: fc.constant(0),
  offset: fc.bigInt({ min: 0n, max: 5n }),
});
const orNull = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(of, { nil: null });
const epoch = fc.integer({ min: 1, max: 2 });

const row: fc.Arbitrary<StoredRow> = fc
  .record({
    live: fc.boolean(),
    doubtful: fc.boolean(),
    value: fc.constantFrom('a', 'b'),
    version: orNull(
      fc.record({
        epoch,
        streamed: orNull(position),
        written: orNull(position),
        snapshot: orNull(position),
        counter: fc.constant(null),
        log: orNull(log),
      }),
    ),
  })
  .map(({ live, doubtful, value, version }) => {
    const content = live ? { id: 1, value } : { id: 1 };
    return {
      ...{ live, doubtful, content, version, unmapped: {}, incomplete: [] },
      digest: live ? digest(canonicalText(content)) : null,
    };
  });

const evidence = fc.oneof(
  fc.record({ kind: fc.constant('streamed' as const), epoch, position, log }),
  fc.record({ kind: fc.constant('tombstone' as const), epoch, log }),
  fc.record({ kind: fc.constant('snapshot' as const), epoch, position: orNull<Position>(position), log }),
  fc.record({ kind: fc.constant('direct' as const), epoch, position }),
  fc.record({ kind: fc.constant('fresh' as const), epoch }),
) satisfies fc.Arbitrary<Evidence & { log?: LogPosition }>;

const effect: fc.Arbitrary<RowChange['effect']> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b').map((value) => upsert({ id: 1, value }, [])) },
  { weight: 1, arbitrary: fc.constant(upsert({ id: 1 }, ['value'])) },
  {
    weight: 2,
    arbitrary: fc.boolean().map((tiesWin) => ({ kind: 'delete' as const, content: { id: 1 }, tiesWin })),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'unknown' as const, content: { id: 1 } }) },
);
function upsert(
  content: Record<string, string | number>,
  unavailable: readonly string[],
): RowChange['effect'] {
  return { kind: 'upsert', content, unavailable, unmapped: {} };
}

const changes = fc.array(
  fc
    .record({ evidence, effect })
    .map((one): RowChange => ({ ...one, key: [1], embed: null, committedAt: 1 })),
  { minLength: 1, maxLength: 3 },
);

describe('bareCondition', () => {
  it('holds only where the fold comes to the same without the content that is stored', () => {
    const seen = { bare: 0, whole: 0 };
    fc.assert(
      fc.property(orNull(row), changes, (root, given) => {
        const whole: StoredDocument = { ...emptyDocument([1]), revision: 1, root };
        if (bareCondition(given)?.(whole) !== true) {
          seen.whole += 1;
          return;
        }
        seen.bare += 1;
        const bare = { ...whole, root: root === null ? null : { ...root, content: {} } };
        const [expected, found] = [fold(whole, given, digest), fold(bare, given, digest)];
        expect(found.outcomes).toEqual(expected.outcomes);
        expect(found.dirty).toBe(expected.dirty);
        if (expected.dirty) expect(found.document).toEqual(expected.document);
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.bare, seen.whole)).toBeGreaterThan(500);
  });

  it('does without the content for a snapshot of rows that nobody has written directly', () => {
    const read: RowChange = {
      ...{ key: [1], embed: null, committedAt: null },
      evidence: {
        kind: 'snapshot',
        epoch: 1,
        position: null,
        log: { incarnation: 1, partition: 0, offset: 1n },
      },
      effect: upsert({ id: 1 }, []),
    };
    expect(bareCondition([read])?.(emptyDocument([1]))).toBe(true);
  });
});
