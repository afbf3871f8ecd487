import { type Authority, authorityOf, type Phase } from './phase.ts';

/**
 * A flip that moves the authority from one store to the other (DESIGN.md section 6), as far as it can be decided without
 * doing anything. Every stage is written down before it is carried out, may be carried out again, and may be taken up by
 * any instance, so that a crash leaves nothing but a stage that is done once more.
 */
export const HANDOVER_STAGES = [
  { name: 'drain', does: 'raise the term and have the facades stop admitting writes; reads go on' },
  { name: 'fence', does: 'shut out, in the stores themselves, whoever still writes by a lower term' },
  { name: 'position', does: 'take the position of the log of the authority, after the fence' },
  { name: 'apply', does: 'wait until all up to that position is applied in the other store' },
  { name: 'settle', does: 'wait until nothing that was found to differ is unresolved' },
  { name: 'opposite', does: 'see that the leg back runs, from a position after that' },
  {
    name: 'switch',
    does: 'compare-and-set the authority, the epoch and the phase, with the first offsets of the epoch',
  },
  { name: 'release', does: 'let the stores know who may write, and the facades write' },
] as const;
export type HandoverStage = (typeof HANDOVER_STAGES)[number]['name'];

/** How long a unit may stand drained before its flip is given up, ms. */
export const HANDOVER_TIMEOUT_MS = 30_000;

/** What of a unit's state a flip goes by and changes. */
export interface HandoverUnit {
  readonly phase: Phase;
  /** Raised only when the authority really moves; orders versions. */
  readonly epoch: number;
  /** Raised by every attempted flip and every cancel; fences writers. */
  readonly term: number;
  /** Id of the flip for which writes are held up; null: they are not. */
  readonly draining: string | null;
  /** Id of the flip that brought it here. */
  readonly transition: string | null;
}

/** What is written down of a flip. */
export interface Handover {
  readonly id: string;
  readonly from: Phase;
  readonly to: Phase;
  /** The stage that is being carried out. */
  readonly stage: HandoverStage;
  /** The term that it has raised; null: not yet. */
  readonly term: number | null;
  /** The position taken after the fence, as its store says it; null: not yet. */
  readonly position: string | null;
  /**
   * Ends of the forward leg's log, by partition, below which all is applied; null: not yet. What comes from there on is of
   * the new epoch: were it counted to the old one and applied late, it could come after the new one's changes.
   */
  readonly firsts: readonly number[] | null;
  /** ms since the epoch: when it is given up. */
  readonly until: number;
  readonly state: 'running' | 'cancelling' | 'done' | 'cancelled';
}

/** The unit once its writes are held up for a flip. */
export function drained(unit: HandoverUnit, flip: Handover): HandoverUnit {
  return { ...unit, term: unit.term + 1, draining: flip.id };
}

/** The unit once the flip is made. What was raised by `drained` stays. */
export function switched(unit: HandoverUnit, flip: Handover): HandoverUnit {
  const moves = authorityOf(flip.from) !== authorityOf(flip.to);
  return {
    ...unit,
    ...{ phase: flip.to, epoch: moves ? unit.epoch + 1 : unit.epoch, draining: null, transition: flip.id },
  };
}

/** The unit once the flip is given up: in its old phase, in a term that nobody has had. */
export function returned(unit: HandoverUnit): HandoverUnit {
  return { ...unit, term: unit.term + 1, draining: null };
}

/** What is to be done next of a flip. */
export type HandoverStep =
  | { readonly kind: 'carry-out'; readonly stage: HandoverStage }
  /** Give it up: the authority has not moved. */
  | { readonly kind: 'cancel' }
  | { readonly kind: 'end'; readonly state: 'done' | 'cancelled' };

/**
 * Whether the flip was made is asked of the unit, which carries its id from the switch on: then it is carried to its end,
 * however late, since the authority has moved.
 */
export function handoverStep(flip: Handover, unit: HandoverUnit, now: number): HandoverStep {
  if (flip.state === 'done' || flip.state === 'cancelled') return { kind: 'end', state: flip.state };
  if (unit.transition === flip.id)
    return { kind: 'carry-out', stage: flip.stage === 'switch' ? 'switch' : 'release' };
  if (flip.state === 'cancelling') return { kind: 'cancel' };
  const isOurs = flip.term === null || (unit.draining === flip.id && unit.term === flip.term);
  return !isOurs || now > flip.until ? { kind: 'cancel' } : { kind: 'carry-out', stage: flip.stage };
}

/** The stage after this one; null: it was the last. */
export function stageAfter(stage: HandoverStage): HandoverStage | null {
  const at = HANDOVER_STAGES.findIndex(({ name }) => name === stage);
  return HANDOVER_STAGES[at + 1]?.name ?? null;
}

/** What a writer finds in a store behind its fence. */
export interface FenceRow {
  readonly term: number;
  readonly authority: Authority;
}

/**
 * May a writer of this term write? It must have asked in a statement of its own, after it was let in by the fence: what
 * it read before is of before it waited.
 */
export function isAdmitted(row: FenceRow, term: number, authority: Authority): boolean {
  return row.term === term && row.authority === authority;
}
