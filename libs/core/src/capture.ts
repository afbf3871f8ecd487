import type { EpochFirsts } from './epoch.ts';
import { FicusError, unreachable } from './errors.ts';
import type {
  Capture,
  CaptureChange,
  Renewal,
  SlotReading,
  SlotReport,
  SourceIdentity,
  Sweep,
} from './ports/capture.ts';

/**
 * What is to be done about a system's capture, decided from measurements: a consumer that is away must not fill the
 * source's disk, and what a lost place in the log cost must be read again, deletes included, since no snapshot emits them.
 */

/** What systems.yaml says of a system's slot. */
export interface SlotRules {
  /** Share of the source's limit above which somebody should look. */
  readonly alarmShare: number;
  readonly policy: 'hold' | 'resnapshot';
  /** Bytes above which the slot of a connector that stands still is given up; null: never by itself. */
  readonly limitBytes: number | null;
}

export interface SlotFacts {
  readonly reading: SlotReading;
  /** Why the source is another one than before it was measured (`replacement`); null: it is not. */
  readonly fault: string | null;
  /** The slot was there before. */
  readonly seen: boolean;
  /** ms for which the connector has confirmed nothing, as far as is known. */
  readonly stillMs: number;
}

export type SlotVerdict =
  | { readonly kind: 'sound' }
  /** `other`: the source is another one. */
  | { readonly kind: 'alarm' | 'over' | 'lost' | 'other'; readonly reason: string };

/** ms. The heartbeat moves the confirmed position twice a second: a connector that confirms nothing for so long is stuck. */
export const STUCK_MS = 60_000;

export function judgeSlot({ reading, fault, seen, stillMs }: SlotFacts, rules: SlotRules): SlotVerdict {
  const { name, slot, limitBytes } = reading;
  if (fault !== null) return { kind: 'other', reason: fault };
  if (slot === null)
    return seen
      ? { kind: 'lost', reason: `replication slot ${name} is gone: changes since then are missing` }
      : { kind: 'sound' };
  if (slot.walStatus === 'lost')
    return {
      kind: 'lost',
      reason: `replication slot ${name} is lost: PostgreSQL has removed log that the connector had not read`,
    };
  const retained = slot.retainedBytes ?? 0;
  const held = `replication slot ${name} holds back ${shownBytes(retained)}`;
  const isStuck = !slot.active || stillMs >= STUCK_MS;
  if (rules.policy === 'resnapshot' && rules.limitBytes !== null && retained > rules.limitBytes && isStuck)
    return {
      kind: 'over',
      reason: `${held}, more than slotLimit (${shownBytes(rules.limitBytes)}), and its connector stands still`,
    };
  if (limitBytes === null) return { kind: 'alarm', reason: unboundedSlots(name) };
  if (rules.limitBytes !== null && rules.limitBytes >= limitBytes)
    return {
      kind: 'alarm',
      reason:
        `slotLimit (${shownBytes(rules.limitBytes)}) is no less than max_slot_wal_keep_size ` +
        `(${shownBytes(limitBytes)}): the slot would be lost before it is given up`,
    };
  if (slot.walStatus === 'unreserved' || retained > rules.alarmShare * limitBytes)
    return {
      kind: 'alarm',
      reason:
        `${held} of the ${shownBytes(limitBytes)} that max_slot_wal_keep_size allows; beyond, it is lost; ` +
        'see why the connector does not read',
    };
  return { kind: 'sound' };
}

/**
 * Why the source cannot be the one that was known; null: it can. Its positions would order nothing against those that
 * were stored before, and what was committed last may be missing in it. The reason stays the same as long as that one.
 */
export function replacement(known: SourceIdentity | null, now: SourceIdentity): string | null {
  if (known === null) return null;
  if (known.cluster !== null && now.cluster !== null && known.cluster !== now.cluster)
    return `the source is another database cluster: its system identifier is ${now.cluster}, and was ${known.cluster}`;
  if (known.timeline !== now.timeline)
    return (
      `the source is on timeline ${now.timeline}, and was on ${known.timeline}: a standby has been promoted, or a ` +
      'backup restored'
    );
  if (BigInt(now.flushed) < BigInt(known.flushed))
    return `the source's log ends before position ${known.flushed}, which it had reached: an older copy has been restored`;
  return null;
}

/** What to say where nothing bounds what a slot holds back. */
export function unboundedSlots(name: string): string {
  return (
    `nothing bounds what replication slot ${name} may hold back: while its connector is away, the log fills the source's ` +
    "disk; ALTER SYSTEM SET max_slot_wal_keep_size = '50GB' (less than the disk has free), then SELECT pg_reload_conf()"
  );
}

/** What this round does about the capture. */
export type CaptureStep =
  /** The connector is kept as the plans say, and tables are ordered to be read. */
  | { readonly kind: 'stream' }
  /** The connector stands still until an operator orders a new beginning. */
  | {
      readonly kind: 'hold';
      readonly reason: string;
      /** It is not known to others yet. */
      readonly isNew: boolean;
      /** Another database is in the source's place. */
      readonly isOther: boolean;
    }
  /** The policy begins anew. */
  | { readonly kind: 'renew'; readonly reason: string }
  /** The old connector and its place in the log are to be done away with. */
  | { readonly kind: 'halt' }
  /** The connector is kept as the plans say and started, until it streams. */
  | { readonly kind: 'restart' };

/**
 * @param verdict null: the source was not asked, or did not answer.
 * @param mayRenew do rules and connector let Ficus begin anew by itself?
 */
export function captureStep(capture: Capture, verdict: SlotVerdict | null, mayRenew: boolean): CaptureStep {
  const stage = running(capture)?.stage ?? 'done';
  switch (stage) {
    case 'halting':
      return { kind: 'halt' };
    case 'restarting':
      // There is no slot until the connector has made a new one, and what it makes can be looked at later.
      return verdict?.kind === 'other' ? held(capture, verdict.reason) : { kind: 'restart' };
    case 'reading':
    case 'done':
    case 'failed': {
      const { lost } = capture;
      if (verdict?.kind === 'other') return held(capture, verdict.reason);
      const reason = lost?.reason ?? (verdict?.kind === 'lost' ? verdict.reason : null);
      const isOther = lost?.isOther === true;
      if (reason !== null)
        return mayRenew && !isOther
          ? { kind: 'renew', reason }
          : { kind: 'hold', reason, isNew: lost === null, isOther };
      if (verdict?.kind === 'over' && mayRenew) return { kind: 'renew', reason: verdict.reason };
      return { kind: 'stream' };
    }
    default:
      return unreachable(stage);
  }
}

function held({ lost }: Capture, reason: string): CaptureStep {
  return { kind: 'hold', reason, isNew: lost?.reason !== reason, isOther: true };
}

/**
 * What is wrong with the capture and what to do about it, for people; null: nothing.
 * @param facts.isOurs may Ficus itself drop the slot and restart the connector?
 */
export function captureTrouble(
  capture: Capture,
  facts: { readonly step: CaptureStep; readonly verdict: SlotVerdict | null; readonly isOurs: boolean },
): string | null {
  const { step, verdict, isOurs } = facts;
  const order = running(capture);
  if (order !== null && order.stage !== 'reading' && step.kind !== 'hold')
    return `begins anew (${order.stage}), ordered by ${order.by} at ${order.at}: ${order.reason}`;
  if (step.kind === 'hold') {
    const { system } = capture;
    const first = isOurs
      ? ''
      : 'stop the connector, drop its slot, delete its offsets and start it again, then ';
    const cause = step.isOther
      ? 'if it is the one that applications write to, '
      : 'once the cause is mended, ';
    const end = step.isOther ? ', which opens a new epoch' : '';
    return (
      `${step.reason}; replication of ${system} stands still and reads fall back to legacy; ${cause}` +
      `${first}order \`./ficus system resnapshot ${system} --reason …\`${end}`
    );
  }
  return verdict === null || verdict.kind === 'sound' ? null : verdict.reason;
}

/** The new beginning that is under way. */
export function running({ renewals: [newest] }: Pick<Capture, 'renewals'>): Renewal | null {
  return newest === undefined || newest.endedAt !== null ? null : newest;
}

/** Changes are missing from now on: a new beginning that is under way has failed. */
export function loss(
  { renewals }: Capture,
  {
    reason,
    at,
    isOther = false,
  }: { readonly reason: string; readonly at: string; readonly isOther?: boolean },
): CaptureChange {
  return { lost: { at, reason, isOther }, renewals: ended(renewals, 'failed', at) };
}

/**
 * @param isOther somebody knows that another database is in the source's place, or other topics in the place of its topics.
 * @throws FicusError `state_conflict` while the old connector of an earlier order is being done away with.
 */
export function renewal(
  capture: Capture,
  order: { readonly by: string; readonly reason: string; readonly at: string },
  isOther = false,
): CaptureChange {
  const one = running(capture);
  if (one?.stage === 'halting')
    throw new FicusError(
      'state_conflict',
      `a new beginning of ${capture.system} that ${one.by} ordered at ${one.at} is ${one.stage}`,
    );
  return {
    generation: capture.generation + 1,
    ...(isOther ? { lost: { at: order.at, reason: order.reason, isOther } } : {}),
    renewals: [{ ...order, stage: 'halting', endedAt: null }, ...ended(capture.renewals, 'failed', order.at)],
    sweeps: [],
    carrier: null,
  };
}

/**
 * Nothing of the old connector runs any more, and these rows may be gone.
 * @param given.firsts where a new epoch begins; null: the order was for none.
 * @param given.slot of the source that is begun with; null: it has none.
 */
export function halted(
  capture: Capture,
  given: {
    readonly sweeps: readonly Sweep[];
    readonly firsts: EpochFirsts | null;
    readonly slot: SlotReport | null;
  },
): CaptureChange {
  const { sweeps, firsts, slot } = given;
  const replacements = firsts === null ? capture.replacements : [...capture.replacements, firsts];
  return { ...staged(capture, 'restarting'), sweeps, replacements, slot, lost: null, carrier: null };
}

/** The connector does not come to stream: it is stopped and made to forget once more, since it may not have been. */
export function haltedAgain(capture: Capture): CaptureChange {
  return staged(capture, 'halting');
}

/** How many new epochs have been ordered, the one included of which nobody knows yet where it begins. */
export function epochsOrdered(capture: Capture): number {
  const isComing = running(capture)?.stage === 'halting' && capture.lost?.isOther === true;
  return capture.replacements.length + (isComing ? 1 : 0);
}

/** The connector streams from a new place in the log. */
export function streaming(capture: Capture): CaptureChange {
  return staged(capture, 'reading');
}

/** Every table is read, and what was deleted meanwhile is found. */
export function finished({ renewals }: Capture, at: string): CaptureChange {
  return { renewals: ended(renewals, 'done', at) };
}

/** Sizes as people read them. */
export function shownBytes(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

function staged({ renewals: [newest, ...older] }: Capture, stage: Renewal['stage']): CaptureChange {
  return { renewals: newest === undefined ? older : [{ ...newest, stage }, ...older] };
}

function ended(renewals: readonly Renewal[], stage: 'done' | 'failed', endedAt: string): readonly Renewal[] {
  return renewals.map((one) => (one.endedAt === null ? { ...one, stage, endedAt } : one));
}
