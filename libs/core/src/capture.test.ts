import { describe, expect, it } from 'vitest';
import {
  type CaptureStep,
  captureStep,
  captureTrouble,
  finished,
  halted,
  judgeSlot,
  loss,
  renewal,
  type SlotRules,
  type SlotVerdict,
  STUCK_MS,
  shownBytes,
  streaming,
} from './capture.ts';
import type { Capture, CaptureChange, RenewalStage, SlotState } from './ports/capture.ts';

const GB = 1024 ** 3;
const RULES: SlotRules = { alarmShare: 0.5, policy: 'hold', limitBytes: null };
const GIVES_UP: SlotRules = { ...RULES, policy: 'resnapshot', limitBytes: 8 * GB };
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
    const reading = { name: 'ficus_shop', slot: slot === null ? null : { ...SLOT, ...slot }, limitBytes };
    const judged = judgeSlot({ reading, seen: of.seen ?? true, stillMs: of.stillMs ?? 0 }, rules);
    expect(judged.kind).toBe(verdict);
    if (of.says !== undefined) expect(judged).toMatchObject({ reason: expect.stringMatching(of.says) });
  });
});

const AT = '2026-01-01T00:00:00.000Z';
const LATER = '2026-01-02T00:00:00.000Z';
const ORDER = { by: 'ann', reason: 'the disk', at: AT };
const NEW: Capture = {
  ...{ system: 'shop', revision: 0, slot: null, seen: true, lost: null, generation: 0 },
  ...{ renewals: [], sweeps: [], carrier: null },
};
const LOST: SlotVerdict = { kind: 'lost', reason: 'is lost' };
const OVER: SlotVerdict = { kind: 'over', reason: 'is over' };
const ALARM: SlotVerdict = { kind: 'alarm', reason: 'is much' };
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

const noted: Capture = { ...NEW, lost: { at: AT, reason: 'was lost' } };
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
    const stopped = changed(ordered, halted(ordered, [sweep]));
    expect(stopped).toMatchObject({ lost: null, sweeps: [sweep], renewals: [{ stage: 'restarting' }] });
    const streams = changed(stopped, streaming(stopped));
    expect(streams.renewals).toMatchObject([{ stage: 'reading', endedAt: null }]);
    const done = changed(streams, finished(streams, LATER));
    expect(done.renewals).toMatchObject([{ ...ORDER, stage: 'done', endedAt: LATER }]);
    expect(changed(done, renewal(done, { ...ORDER, by: 'bob' })).renewals).toMatchObject([
      { by: 'bob', stage: 'halting' },
      { by: 'ann', stage: 'done' },
    ]);
  });

  it.each(['halting', 'restarting'] as const)('is refused while another is %s', (stage) => {
    expect(() => renewal(at(stage), { ...ORDER, by: 'bob' })).toThrow(
      `that ann ordered at ${AT} is ${stage}`,
    );
  });

  it('may follow one whose tables are still read, and that one has failed', () => {
    const next = renewal(at('reading'), { ...ORDER, by: 'bob', at: LATER });
    expect(next).toMatchObject({ generation: 2, sweeps: [] });
    expect(next.renewals).toMatchObject([{ by: 'bob' }, { by: 'ann', stage: 'failed', endedAt: LATER }]);
  });

  it('has failed when the new slot is lost', () => {
    expect(loss(at('reading'), 'is lost', LATER)).toMatchObject({
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
