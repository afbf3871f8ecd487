import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FicusError } from './errors.ts';
import {
  advance,
  compareLog,
  comparePositions,
  type Evidence,
  isOfBefore,
  judge,
  type LogPosition,
  nextCounter,
  type Position,
  type RowVersion,
} from './version.ts';

const log = (offset: number, given: Partial<LogPosition> = {}): LogPosition => ({
  incarnation: 1,
  partition: 0,
  offset: BigInt(offset),
  ...given,
});
const streamed = (position: Position, offset: number, epoch = 1): Evidence => ({
  kind: 'streamed',
  epoch,
  position,
  log: log(offset),
});
const snapshot = (position: Position | null, offset: number, epoch = 1): Evidence => ({
  kind: 'snapshot',
  epoch,
  position,
  log: log(offset),
});
const direct = (position: Position, epoch = 1): Evidence => ({ kind: 'direct', epoch, position });
const owned = (counter: bigint, epoch = 1): Evidence => ({ kind: 'owned', epoch, counter });
const fresh = (epoch = 1): Evidence => ({ kind: 'fresh', epoch });
const version = (given: Partial<RowVersion> = {}): RowVersion => ({
  epoch: 1,
  streamed: null,
  written: null,
  snapshot: null,
  counter: null,
  log: null,
  ...given,
});

interface Case {
  readonly rule: string;
  readonly stored: RowVersion | null;
  readonly evidence: Evidence;
  readonly tiesWin?: true;
  readonly verdict: string;
}

/** The rules of DESIGN.md section 5 while legacy is the authority, one bullet after the other. */
const cases: readonly Case[] = [
  // A streamed event applies iff its offset > o and its position > s and > w.
  {
    rule: 'streamed: all higher',
    stored: version({ streamed: 5n, written: 6n, log: log(9) }),
    evidence: streamed(7n, 10),
    verdict: 'apply',
  },
  {
    rule: 'streamed: same record again',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: streamed(5n, 9),
    verdict: 'offset',
  },
  {
    rule: 'streamed: replay of an earlier record',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: streamed(9n, 8),
    verdict: 'offset',
  },
  {
    rule: "streamed: the connector's duplicate",
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: streamed(5n, 10),
    verdict: 'streamed',
  },
  {
    rule: 'streamed: lsn steps back after a crash of the connector',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: streamed(3n, 10),
    verdict: 'streamed',
  },
  {
    rule: 'streamed: the echo of a direct write',
    stored: version({ written: 6n }),
    evidence: streamed(5n, 1),
    verdict: 'written',
  },
  {
    rule: 'streamed: at the very position of a direct write',
    stored: version({ written: 6n }),
    evidence: streamed(6n, 1),
    verdict: 'written',
  },
  {
    rule: 'streamed: after a snapshot row with a higher position',
    stored: version({ snapshot: 99n, log: log(9) }),
    evidence: streamed(5n, 10),
    verdict: 'apply',
  },
  {
    rule: 'streamed: Db2 pairs by text',
    stored: version({ streamed: '0a/02', log: log(9) }),
    evidence: streamed('0a/10', 10),
    verdict: 'apply',
  },
  // A direct write applies iff its position > s, > w and > the stored snapshot row's.
  {
    rule: 'direct: all higher',
    stored: version({ streamed: 5n, written: 6n, snapshot: 7n }),
    evidence: direct(8n),
    verdict: 'apply',
  },
  { rule: 'direct: below s', stored: version({ streamed: 5n }), evidence: direct(5n), verdict: 'streamed' },
  { rule: 'direct: below w', stored: version({ written: 6n }), evidence: direct(6n), verdict: 'written' },
  {
    rule: 'direct: below the snapshot row',
    stored: version({ snapshot: 7n }),
    evidence: direct(7n),
    verdict: 'snapshot',
  },
  {
    rule: 'direct: after a snapshot row without a position',
    stored: version({ log: log(3) }),
    evidence: direct(1n),
    verdict: 'apply',
  },
  // A snapshot row applies iff its offset > o and w is unset; else the key is rechecked.
  {
    rule: 'snapshot: later in the log, without a position',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: snapshot(null, 10),
    verdict: 'apply',
  },
  {
    rule: 'snapshot: later in the log, with a lower position',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: snapshot(1n, 10),
    verdict: 'apply',
  },
  {
    rule: 'snapshot: same record again',
    stored: version({ snapshot: 1n, log: log(9) }),
    evidence: snapshot(1n, 9),
    verdict: 'offset',
  },
  {
    rule: 'snapshot: replayed after an event',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: snapshot(99n, 8),
    verdict: 'offset',
  },
  {
    rule: 'snapshot: over a direct write',
    stored: version({ written: 6n }),
    evidence: snapshot(99n, 10),
    verdict: 'recheck',
  },
  {
    rule: 'snapshot: over a direct write, but replayed',
    stored: version({ written: 6n, log: log(9) }),
    evidence: snapshot(99n, 9),
    verdict: 'offset',
  },
  // A fresh read carries no position; the revision guards it.
  {
    rule: 'fresh: over anything of its epoch',
    stored: version({ streamed: 5n, written: 6n, snapshot: 7n, log: log(9) }),
    evidence: fresh(),
    verdict: 'apply',
  },
  // A missing version loses to anything.
  { rule: 'missing: streamed', stored: null, evidence: streamed(0n, 0), verdict: 'apply' },
  { rule: 'missing: snapshot', stored: null, evidence: snapshot(null, 0), verdict: 'apply' },
  { rule: 'missing: direct', stored: null, evidence: direct(0n), verdict: 'apply' },
  { rule: 'missing: fresh', stored: null, evidence: fresh(), verdict: 'apply' },
  // The epoch orders before everything else.
  {
    rule: 'epoch: newer beats higher positions, of another type and another partition',
    stored: version({ streamed: '0a/02', written: '0b/00', log: log(9, { partition: 3 }) }),
    evidence: streamed(1n, 1, 2),
    verdict: 'apply',
  },
  {
    rule: 'epoch: older streamed',
    stored: version({ epoch: 2 }),
    evidence: streamed(9n, 9),
    verdict: 'epoch',
  },
  {
    rule: 'epoch: older snapshot',
    stored: version({ epoch: 2 }),
    evidence: snapshot(9n, 9),
    verdict: 'epoch',
  },
  { rule: 'epoch: older direct', stored: version({ epoch: 2 }), evidence: direct(9n), verdict: 'epoch' },
  { rule: 'epoch: older fresh', stored: version({ epoch: 2 }), evidence: fresh(), verdict: 'epoch' },
  // At equal values of a version column a delete beats an upsert, but never a replay.
  {
    rule: 'tie: a delete',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: streamed(5n, 10),
    tiesWin: true,
    verdict: 'apply',
  },
  {
    rule: 'tie: a delete over the direct write of that version',
    stored: version({ written: 5n }),
    evidence: streamed(5n, 10),
    tiesWin: true,
    verdict: 'apply',
  },
  {
    rule: 'tie: a direct delete of the version that is stored',
    stored: version({ streamed: 5n, snapshot: 5n, log: log(9) }),
    evidence: direct(5n),
    tiesWin: true,
    verdict: 'apply',
  },
  {
    rule: 'tie: an older delete',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: streamed(4n, 10),
    tiesWin: true,
    verdict: 'streamed',
  },
  {
    rule: 'tie: a delete replayed',
    stored: version({ streamed: 5n, log: log(9) }),
    evidence: streamed(5n, 9),
    tiesWin: true,
    verdict: 'offset',
  },
];

describe('a state of which MongoDB is the authority', () => {
  it('is ordered by its counter alone', () => {
    const stored = version({ epoch: 2, counter: 7n });
    expect(judge(stored, owned(8n, 2))).toEqual({ kind: 'apply' });
    expect(judge(stored, owned(7n, 2))).toEqual({ kind: 'stale', because: 'counter' });
    expect(judge(version({ epoch: 2 }), owned(1n, 2))).toEqual({ kind: 'apply' });
    expect(advance(version({ streamed: 5n, log: log(9) }), owned(8n, 2))).toEqual(
      version({ epoch: 2, counter: 8n }),
    );
  });

  it('is not touched by what legacy committed before, nor comes over what it commits after', () => {
    const stored = version({ epoch: 2, counter: 7n });
    expect(judge(stored, streamed(99n, 99))).toEqual({ kind: 'stale', because: 'epoch' });
    expect(judge(stored, direct(99n))).toEqual({ kind: 'stale', because: 'epoch' });
    expect(judge(version({ epoch: 3, streamed: 1n }), owned(99n, 2))).toEqual({
      kind: 'stale',
      because: 'epoch',
    });
  });

  it('has a counter that only goes up, by the clock where that is ahead', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000)), (clock) => {
        let counter: bigint | null = null;
        for (const now of clock) {
          const next = nextCounter(counter, now);
          expect(counter === null || next > counter).toBe(true);
          expect(next >= BigInt(now) << 20n).toBe(true);
          counter = next;
        }
      }),
    );
  });
});

describe('judge', () => {
  it.each(cases)('$rule', ({ stored, evidence, tiesWin, verdict }) => {
    const judged = judge(stored, evidence, tiesWin);
    expect(judged.kind === 'stale' ? judged.because : judged.kind).toBe(verdict);
  });

  it.each<[string, RowVersion, Evidence]>([
    [
      'another partition',
      version({ log: log(9) }),
      { kind: 'streamed', epoch: 1, position: 9n, log: log(10, { partition: 1 }) },
    ],
    [
      'a topic made anew',
      version({ log: log(9) }),
      { kind: 'snapshot', epoch: 1, position: 9n, log: log(10, { incarnation: 2 }) },
    ],
    ['a position of another type', version({ streamed: 9n, log: log(9) }), streamed('0a', 10)],
    ['a position of another width', version({ streamed: '0a', log: log(9) }), streamed('00b', 10)],
  ])('refuses to compare %s', (_what, stored, evidence) => {
    expect(() => judge(stored, evidence)).toThrow(FicusError);
    expect(() => judge(stored, evidence)).toThrow(
      expect.objectContaining({ code: 'version_incomparable', retryable: false }),
    );
  });
});

describe('advance', () => {
  const full = version({ streamed: 5n, written: 6n, snapshot: 7n, log: log(9) });

  it('a streamed event moves s and o', () => {
    expect(advance(full, streamed(8n, 10))).toEqual({ ...full, streamed: 8n, log: log(10) });
  });
  it('a snapshot row moves o, and never lowers s or w', () => {
    expect(advance(full, snapshot(1n, 10))).toEqual({ ...full, snapshot: 1n, log: log(10) });
    expect(advance(full, snapshot(null, 10))).toEqual({ ...full, log: log(10) });
  });
  it('a direct write moves w only', () => {
    expect(advance(full, direct(8n))).toEqual({ ...full, written: 8n });
  });
  it('a fresh read moves nothing, so that any streamed change still beats it', () => {
    expect(advance(full, fresh())).toEqual(full);
    expect(advance(null, fresh())).toEqual(version());
  });
  it('a new epoch begins without positions', () => {
    expect(advance(full, direct(1n, 2))).toEqual(version({ epoch: 2, written: 1n }));
    expect(advance(full, streamed(1n, 1, 2))).toEqual(version({ epoch: 2, streamed: 1n, log: log(1) }));
  });

  it('makes the same evidence stale, whatever it was (but for a fresh read)', () => {
    const position = fc.bigInt({ min: 0n, max: 20n });
    const offset = fc.nat(20);
    const evidence = fc.oneof(
      fc.record({ position, offset }).map((one) => streamed(one.position, one.offset)),
      fc.record({ position: fc.option(position), offset }).map((one) => snapshot(one.position, one.offset)),
      position.map((one) => direct(one)),
    );
    fc.assert(
      fc.property(fc.array(evidence), (all) => {
        let stored: RowVersion | null = null;
        for (const one of all) {
          if (judge(stored, one).kind !== 'apply') continue;
          const before: RowVersion | null = stored;
          stored = advance(stored, one);
          expect(judge(stored, one).kind).not.toBe('apply');
          for (const part of ['streamed', 'written'] as const) {
            if (before !== null && before[part] !== null)
              expect(comparePositions(stored[part] ?? 0n, before[part])).toBeGreaterThanOrEqual(0);
          }
        }
      }),
    );
  });
});

describe('isOfBefore', () => {
  const ENDS = { epoch: 2, ends: new Map([[0, 5n]]) };
  const at = (epoch: number, offset: bigint, partition = 0) => ({
    epoch,
    log: { incarnation: 1, partition, offset },
  });
  it.each([
    ['below the end', at(2, 4n), true],
    ['at the end', at(2, 5n), false],
    ['in a partition that nobody knew', at(2, 9n, 1), true],
    ['brought by no record', { epoch: 2, log: null }, true],
    ['unknown', null, true],
    ['of an epoch before, above the end', at(1, 9n), true],
    ['of an epoch before, brought by no record', { epoch: 1, log: null }, true],
    ['of a later epoch, below the end', at(3, 0n), false],
    ['of a later epoch, brought by no record', { epoch: 3, log: null }, false],
  ])('is told by epoch first, then by offset: %s', (_what, state, isBefore) => {
    expect(isOfBefore(state, ENDS)).toBe(isBefore);
  });
});

describe('comparePositions and compareLog', () => {
  it('orders 64-bit numbers and fixed-width texts', () => {
    expect(comparePositions(9_007_199_254_740_993n, 9_007_199_254_740_992n)).toBe(1);
    expect(comparePositions(9n, 10n)).toBe(-1);
    expect(comparePositions('000a/0001', '000a/0001')).toBe(0);
    expect(comparePositions('0009/ffff', '000a/0000')).toBe(-1);
  });
  it('orders offsets beyond 2^53', () => {
    const at = (offset: bigint): LogPosition => ({ incarnation: 1, partition: 0, offset });
    expect(compareLog(at(2n ** 53n + 1n), at(2n ** 53n))).toBe(1);
  });
});
