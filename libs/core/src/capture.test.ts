import { describe, expect, it } from 'vitest';
import {
  type CaptureStep,
  captureStep,
  captureTrouble,
  epochsOrdered,
  finished,
  halted,
  judgeSlot,
  loss,
  renewal,
  replacement,
  type SlotRules,
  type SlotVerdict,
  STUCK_MS,
  shownBytes,
  streaming,
} from './capture.ts';
import type { Capture, CaptureChange, RenewalStage, SlotState, SourceIdentity } from './ports/capture.ts';

const GB = 1024 ** 3;
const RULES: SlotRules = { alarmShare: 0.5, policy: 'hold', limitBytes: null };
const GIVES_UP: SlotRules = { ...RULES, policy: 'resnapshot', limitBytes: 8 * GB };
const SOURCE: SourceIdentity = { cluster: '7', timeline: 2, flushed: '100' };
const SLOT: SlotState = {
  ...{ walStatus: 'reserved', retainedBytes: 1_000, safeBytes: 9 * GB, active: true, confirmed: '7' },
};

interface SlotCase {
  readonly what: string;
  readonly slot: Partial<SlotState> | null;
  readonly limitBytes?: number | null;
  readonly seen?: boolean;
  readonly stillMs?: number;
  readonly rules?: SlotRules;
  readonly verdict: SlotVerdict['kind'];
  readonly says?: RegExp;
}

const slotCases: readonly SlotCase[] = [
  { what: 'read as it is written', slot: {}, verdict: 'sound' },
  { what: 'not there before its connector was', slot: null, seen: false, verdict: 'sound' },
  { what: 'gone', slot: null, verdict: 'lost', says: /ficus_shop is gone/ },
  {
    what: 'given up by PostgreSQL',
    slot: { walStatus: 'lost', retainedBytes: null, safeBytes: null, active: false },
    verdict: 'lost',
    says: /removed log that the connector had not read/,
  },
  {
    what: 'bounded by nothing',
    slot: { safeBytes: null },
    limitBytes: null,
    verdict: 'alarm',
    says: /ALTER SYSTEM SET max_slot_wal_keep_size/,
  },
  { what: 'just within the share', slot: { retainedBytes: 5 * GB }, verdict: 'sound' },
  {
    what: 'over the share',
    slot: { retainedBytes: 5 * GB + 1 },
    verdict: 'alarm',
    says: /holds back 5\.0 GB of the 10\.0 GB/,
  },
  { what: 'in danger', slot: { walStatus: 'unreserved', retainedBytes: 1 }, verdict: 'alarm' },
  {
    what: 'over the limit, its reader away',
    slot: { retainedBytes: 8 * GB + 1, active: false },
    rules: GIVES_UP,
    verdict: 'over',
    says: /more than slotLimit \(8\.0 GB\)/,
  },
  {
    what: 'over the limit, its reader stuck',
    slot: { retainedBytes: 8 * GB + 1 },
    stillMs: STUCK_MS,
    rules: GIVES_UP,
    verdict: 'over',
  },
  {
    what: 'over the limit, its reader slow',
    slot: { retainedBytes: 8 * GB + 1 },
    stillMs: STUCK_MS - 1,
    rules: GIVES_UP,
    verdict: 'alarm',
  },
  {
    what: 'at the limit',
    slot: { retainedBytes: 8 * GB, active: false },
    rules: GIVES_UP,
    verdict: 'alarm',
  },
  {
    what: 'over the limit, and to be held',
    slot: { retainedBytes: 9 * GB, active: false },
    rules: { ...GIVES_UP, policy: 'hold' },
    verdict: 'alarm',
  },
  {
    what: 'lost before its limit could be reached',
    slot: {},
    limitBytes: 8 * GB,
    rules: GIVES_UP,
    verdict: 'alarm',
    says: /slotLimit \(8\.0 GB\) is no less than max_slot_wal_keep_size \(8\.0 GB\)/,
  },
  {
    what: 'over the limit where PostgreSQL has none',
    slot: { retainedBytes: 9 * GB, active: false, safeBytes: null },
    limitBytes: null,
    rules: GIVES_UP,
    verdict: 'over',
  },
];

describe('a slot that is', () => {
  it.each(slotCases)('$what: $verdict', ({ slot, limitBytes = 10 * GB, rules = RULES, verdict, ...of }) => {
    const state = slot === null ? null : { ...SLOT, ...slot };
    const reading = { name: 'ficus_shop', source: SOURCE, slot: state, limitBytes };
    const facts = { reading, fault: null, seen: of.seen ?? true, stillMs: of.stillMs ?? 0 };
    const judged = judgeSlot(facts, rules);
    expect(judged.kind).toBe(verdict);
    if (of.says !== undefined) expect(judged).toMatchObject({ reason: expect.stringMatching(of.says) });
  });
});

describe('a source', () => {
  const now = (given: Partial<SourceIdentity>) => {
    const reading = { name: 'ficus_shop', source: { ...SOURCE, ...given }, slot: null, limitBytes: null };
    return (known: SourceIdentity | null) =>
      judgeSlot(
        { reading, fault: replacement(known, reading.source), seen: true, stillMs: 0 },
        { ...GIVES_UP },
      );
  };
  it.each([
    ['of another cluster', { cluster: '8' }, 'its system identifier is 8, and was 7'],
    ['on another timeline', { timeline: 3 }, 'the source is on timeline 3, and was on 2'],
    ['that has gone back', { flushed: '99' }, "the source's log ends before position 100"],
  ])('%s is another one, whatever the slot is', (_what, given, reason) => {
    expect(now(given)(SOURCE)).toEqual({ kind: 'other', reason: expect.stringContaining(reason) });
  });
  it.each([
    ['that has gone on', { flushed: '1000' }, SOURCE],
    ['that does not tell its cluster', { cluster: null }, SOURCE],
    ['that did not tell its cluster', {}, { ...SOURCE, cluster: null }],
    ['that was not known', { timeline: 3 }, null],
  ])('%s is the same one', (_what, given, known) => {
    expect(now(given)(known).kind).not.toBe('other');
  });
});

const AT = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-02T00:00:00.000Z';
const ORDER = { by: 'ann', reason: 'the disk', at: AT };
const REPORT = { name: 's', source: SOURCE, slot: SLOT, limitBytes: null, at: AT, alarm: null };
const NEW: Capture = {
  ...{ system: 'shop', revision: 0, slot: null, seen: true, lost: null, generation: 0 },
  ...{ replacements: [], renewals: [], sweeps: [], carrier: null },
};
const LOST: SlotVerdict = { kind: 'lost', reason: 'is lost' };
const OVER: SlotVerdict = { kind: 'over', reason: 'is over' };
const ALARM: SlotVerdict = { kind: 'alarm', reason: 'is much' };
const OTHER: SlotVerdict = { kind: 'other', reason: 'is another' };
const SOUND: SlotVerdict = { kind: 'sound' };

function at(stage: RenewalStage): Capture {
  return { ...NEW, generation: 1, renewals: [{ ...ORDER, stage, endedAt: stage === 'done' ? AT : null }] };
}

interface StepCase {
  readonly what: string;
  readonly capture: Capture;
  readonly verdict: SlotVerdict | null;
  readonly mayRenew?: boolean;
  readonly step: CaptureStep['kind'];
}

const noted: Capture = { ...NEW, lost: { at: AT, reason: 'was lost', isOther: false } };
const replaced: Capture = { ...NEW, lost: { at: AT, reason: 'is another', isOther: true } };
const stepCases: readonly StepCase[] = [
  { what: 'nothing is wrong', capture: NEW, verdict: SOUND, step: 'stream' },
  { what: 'somebody should look', capture: NEW, verdict: ALARM, mayRenew: true, step: 'stream' },
  { what: 'the source does not answer', capture: NEW, verdict: null, mayRenew: true, step: 'stream' },
  { what: 'the slot is lost', capture: NEW, verdict: LOST, step: 'hold' },
  { what: 'the slot is lost, by policy', capture: NEW, verdict: LOST, mayRenew: true, step: 'renew' },
  { what: 'it was lost, and there is another slot', capture: noted, verdict: SOUND, step: 'hold' },
  { what: 'it was lost, and the source is away', capture: noted, verdict: null, step: 'hold' },
  {
    what: 'it was lost, and the policy has changed',
    capture: noted,
    verdict: SOUND,
    mayRenew: true,
    step: 'renew',
  },
  { what: 'the source is another one', capture: NEW, verdict: OTHER, mayRenew: true, step: 'hold' },
  { what: 'it was, and is not', capture: replaced, verdict: SOUND, mayRenew: true, step: 'hold' },
  { what: 'it is while the slot was lost', capture: noted, verdict: OTHER, mayRenew: true, step: 'hold' },
  {
    what: 'the one that was begun with is replaced at once',
    capture: at('restarting'),
    verdict: OTHER,
    mayRenew: true,
    step: 'hold',
  },
  { what: 'the other one is to be begun with', capture: at('halting'), verdict: OTHER, step: 'halt' },
  { what: 'too much is held back', capture: NEW, verdict: OVER, mayRenew: true, step: 'renew' },
  { what: 'an order has come', capture: at('halting'), verdict: LOST, step: 'halt' },
  { what: 'there is no slot yet', capture: at('restarting'), verdict: LOST, mayRenew: true, step: 'restart' },
  { what: 'the tables are read', capture: at('reading'), verdict: SOUND, step: 'stream' },
  { what: 'the new slot is lost too', capture: at('reading'), verdict: LOST, step: 'hold' },
  { what: 'it is lost once more', capture: at('done'), verdict: LOST, mayRenew: true, step: 'renew' },
];

describe('the next step when', () => {
  it.each(stepCases)('$what: $step', ({ capture, verdict, mayRenew = false, step }) => {
    expect(captureStep(capture, verdict, mayRenew).kind).toBe(step);
  });
});

describe('a new beginning', () => {
  const changed = (before: Capture, change: CaptureChange): Capture => ({ ...before, ...change });

  it('goes from its order to its end, and is kept', () => {
    const sweep = { unit: 'orders', table: 'public.order', ends: { 0: '7' } };
    const ordered = changed(noted, renewal(noted, ORDER));
    expect(ordered).toMatchObject({ generation: 1, renewals: [{ ...ORDER, stage: 'halting' }] });
    // Until nothing of the old connector runs, changes are missing.
    expect(ordered.lost).not.toBeNull();
    const stopped = changed(ordered, halted(ordered, { sweeps: [sweep], firsts: null, slot: REPORT }));
    expect(stopped).toMatchObject({
      lost: null,
      replacements: [],
      slot: REPORT,
      sweeps: [sweep],
      renewals: [{ stage: 'restarting' }],
    });
    const streams = changed(stopped, streaming(stopped));
    expect(streams.renewals).toMatchObject([{ stage: 'reading', endedAt: null }]);
    const done = changed(streams, finished(streams, LATER));
    expect(done.renewals).toMatchObject([{ ...ORDER, stage: 'done', endedAt: LATER }]);
    expect(changed(done, renewal(done, { ...ORDER, by: 'bob' })).renewals).toMatchObject([
      { by: 'bob', stage: 'halting' },
      { by: 'ann', stage: 'done' },
    ]);
  });

  it('keeps where the log of another source begins, after those of earlier ones', () => {
    const firsts = (offset: string) => [{ topic: 't', partition: 0, offset }];
    const earlier = { ...at('halting'), replacements: [firsts('5')] };
    expect(halted(earlier, { sweeps: [], firsts: firsts('9'), slot: null }).replacements).toEqual([
      firsts('5'),
      firsts('9'),
    ]);
  });

  it('tells how many epochs have been ordered, also before anybody knows where the last one begins', () => {
    const ordered = changed(NEW, renewal(NEW, ORDER, true));
    const firsts = [{ topic: 't', partition: 0, offset: '5' }];
    const stopped = changed(ordered, halted(ordered, { sweeps: [], firsts, slot: null }));
    expect([NEW, changed(noted, renewal(noted, ORDER)), ordered, stopped].map(epochsOrdered)).toEqual([
      ...[0, 0, 1, 1],
    ]);
  });

  it('is refused while the connector of another is being stopped', () => {
    expect(() => renewal(at('halting'), { ...ORDER, by: 'bob' })).toThrow(
      `that ann ordered at ${AT} is halting`,
    );
  });

  it('opens an epoch where somebody knows of another source', () => {
    expect(renewal(NEW, ORDER, true)).toMatchObject({ lost: { isOther: true, reason: 'the disk', at: AT } });
    expect(renewal(NEW, ORDER)).not.toHaveProperty('lost');
  });

  it.each(['restarting', 'reading'] as const)(
    'may follow one that is %s, and that one has failed',
    (stage) => {
      const next = renewal(at(stage), { ...ORDER, by: 'bob', at: LATER });
      expect(next).toMatchObject({ generation: 2, sweeps: [] });
      expect(next.renewals).toMatchObject([{ by: 'bob' }, { by: 'ann', stage: 'failed', endedAt: LATER }]);
    },
  );

  it('has failed when the new slot is lost', () => {
    expect(loss(at('reading'), { reason: 'is lost', at: LATER })).toMatchObject({
      lost: { at: LATER, reason: 'is lost' },
      renewals: [{ stage: 'failed', endedAt: LATER }],
    });
  });
});

describe('what is wrong', () => {
  const told = (capture: Capture, verdict: SlotVerdict | null, isOurs = true) =>
    captureTrouble(capture, { step: captureStep(capture, verdict, false), verdict, isOurs });

  it('is nothing while the connector streams', () => expect(told(NEW, SOUND)).toBeNull());
  it('is the alarm', () => expect(told(NEW, ALARM)).toBe('is much'));
  it('is who has ordered what', () =>
    expect(told(at('restarting'), SOUND)).toBe(
      `begins anew (restarting), ordered by ann at ${AT}: the disk`,
    ));
  it('is told to others once', () => {
    const step = (capture: Capture) => captureStep(capture, OTHER, false);
    expect(step(NEW)).toMatchObject({ isNew: true, isOther: true });
    expect(step(noted)).toMatchObject({ isNew: true, isOther: true });
    expect(step(replaced)).toMatchObject({ isNew: false, isOther: true });
  });
  it('is left to an operator where the source is another one', () => {
    expect(told(NEW, OTHER)).toMatch(/^is another; .* if it is the one .*, which opens a new epoch$/);
  });
  it('says how to come back', () => {
    expect(told(NEW, LOST)).toMatch(/^is lost; .* order `\.\/ficus system resnapshot shop --reason …`$/);
    expect(told(NEW, LOST)).not.toContain('delete its offsets');
    expect(told(NEW, LOST, false)).toContain(
      'drop its slot, delete its offsets and start it again, then order',
    );
  });
});

it.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 kB'],
  [1.5 * GB, '1.5 GB'],
  [5000 * 1024 * GB, '5000.0 TB'],
])('%d bytes are shown as %s', (bytes, text) => expect(shownBytes(bytes)).toBe(text));
