import { FicusError } from '#core/errors';
import {
  drained,
  type Handover,
  type HandoverStage,
  type HandoverUnit,
  handoverStep,
  returned,
  stageAfter,
  switched,
} from '#core/handover';
import { type Authority, authorityOf } from '#core/phase';
import type { Clock } from '#core/ports/clock';

/** Something with the revision on which it may be changed. */
export interface Held<T> {
  readonly value: T;
  readonly revision: number;
}

/** Where a flip and its unit are written down. Everything is changed by compare-and-set; false: somebody was faster. */
export interface HandoverControl {
  unit(): Promise<Held<HandoverUnit>>;
  /** @param firsts of a new epoch: the end of the forward leg's log, as it was after all of before had been applied. */
  changeUnit(held: Held<HandoverUnit>, next: HandoverUnit, firsts: LogEnds | null): Promise<boolean>;
  flip(id: string): Promise<Held<Handover>>;
  changeFlip(held: Held<Handover>, next: Handover): Promise<boolean>;
}

/** The writers' fence of one store. */
export interface StoreFence {
  /**
   * Shuts out writers of lower terms: once it has resolved, none of their writes can be committed any more.
   * @throws FicusError `state_conflict` when a higher term stands there.
   */
  shut(term: number): Promise<void>;
  /** Of its log. A change that was committed before it was asked lies below. */
  position(): Promise<string>;
  /** Lets writers of this term write, if this is the authority's store; and the leg that follows, if it is not. */
  open(term: number, authority: Authority): Promise<void>;
  /** The term that is in force. */
  term(): Promise<number>;
}

/** By partition. */
export type LogEnds = readonly number[];

/** What carries the changes of one store into the other. */
export interface Leg {
  /** Gives the source something new to commit, or its position would stand still. */
  mark(): Promise<void>;
  /** Has the source committed that it is past this position of its store? */
  hasPassed(position: string): Promise<boolean>;
  ends(): Promise<LogEnds>;
  /** Is all up to those ends applied? */
  hasApplied(ends: LogEnds): Promise<boolean>;
}

export interface HandoverParts {
  readonly control: HandoverControl;
  readonly fences: Readonly<Record<Authority, StoreFence>>;
  /** By the store from which they carry. */
  readonly legs: Readonly<Record<Authority, Leg>>;
  /** Are there documents that the authority must be asked about? */
  readonly isSettled: () => Promise<boolean>;
  readonly clock: Clock;
}

/** How often what is waited for is looked at, ms. */
const PAUSE_MS = 50;

/**
 * Carries a flip that moves the authority from stage to stage (`core/handover`), to its end. Any instance may, also beside
 * one that is paused in the middle: each stage may be done twice, and what is written down is written by compare-and-set.
 */
export class HandoverRunner {
  readonly #parts: HandoverParts;

  constructor(parts: HandoverParts) {
    this.#parts = parts;
  }

  /** @returns how it ended. */
  async run(id: string): Promise<'done' | 'cancelled'> {
    const { control, clock } = this.#parts;
    for (;;) {
      const flip = await control.flip(id);
      const unit = await control.unit();
      const step = handoverStep(flip.value, unit.value, clock.now());
      if (step.kind === 'end') return step.state;
      const isDone =
        step.kind === 'cancel' ? await this.#cancel(flip, unit) : await this.#advance(step.stage, flip, unit);
      if (!isDone) await clock.sleep(PAUSE_MS);
    }
  }

  /** One stage, once. @returns false: it is not done yet. */
  async #advance(stage: HandoverStage, flip: Held<Handover>, unit: Held<HandoverUnit>): Promise<boolean> {
    const found = await this.#carryOut(stage, flip.value, unit);
    if (found === null) return false;
    const next = stageAfter(stage);
    const change =
      next === null
        ? { ...flip.value, ...found, state: 'done' as const }
        : { ...flip.value, ...found, stage: next };
    await this.#parts.control.changeFlip(flip, change);
    return true;
  }

  /** What is to be written down of it; null: it is not done yet. */
  async #carryOut(
    stage: HandoverStage,
    flip: Handover,
    unit: Held<HandoverUnit>,
  ): Promise<Partial<Handover> | null> {
    const { control, fences, isSettled } = this.#parts;
    const from = authorityOf(flip.from);
    const { term } = unit.value;
    switch (stage) {
      case 'drain': {
        // It may have been done before a crash, and not been written down.
        if (unit.value.draining === flip.id) return { term };
        return (await control.changeUnit(unit, drained(unit.value, flip), null)) ? { term: term + 1 } : null;
      }
      case 'fence':
        return await this.#shut(term);
      case 'position':
        return { position: await fences[from].position() };
      case 'apply': {
        const firsts = await this.#applied(from, flip.position ?? '');
        return firsts === null ? null : { firsts };
      }
      case 'settle':
        return (await isSettled()) && (await this.#isShut(term)) ? {} : null;
      case 'opposite':
        return {};
      case 'switch': {
        if (unit.value.transition === flip.id) return {};
        return (await control.changeUnit(unit, switched(unit.value, flip), flip.firsts)) ? {} : null;
      }
      case 'release':
        await this.#open(term, authorityOf(flip.to));
        return {};
    }
  }

  /** Both stores: what the one that is no authority is sent late must not come after the flip either. */
  async #shut(term: number): Promise<Partial<Handover> | null> {
    try {
      await this.#parts.fences.legacy.shut(term);
      await this.#parts.fences.mongodb.shut(term);
      return {};
    } catch (error) {
      if (isConflict(error)) return null;
      throw error;
    }
  }

  /** An instance that was paused may have set a lower term after a higher one. */
  async #isShut(term: number): Promise<boolean> {
    const { legacy, mongodb } = this.#parts.fences;
    return (await legacy.term()) === term && (await mongodb.term()) === term;
  }

  /**
   * Once all is applied that the authority has committed below the position: the ends of the forward leg's log below which
   * that is so; null before. Of MongoDB's changes, the echoes must have come back, too.
   */
  async #applied(from: Authority, position: string): Promise<LogEnds | null> {
    const { legs, fences } = this.#parts;
    const ends = await appliedEnds(legs[from], position);
    if (ends === null || from === 'legacy') return ends;
    return await appliedEnds(legs.legacy, await fences.legacy.position());
  }

  async #open(term: number, authority: Authority): Promise<void> {
    await this.#parts.fences.mongodb.open(term, authority);
    await this.#parts.fences.legacy.open(term, authority);
  }

  async #cancel(flip: Held<Handover>, unit: Held<HandoverUnit>): Promise<boolean> {
    const { control } = this.#parts;
    if (flip.value.state === 'running')
      return await control.changeFlip(flip, { ...flip.value, state: 'cancelling' });
    if (unit.value.draining === flip.value.id)
      return await control.changeUnit(unit, returned(unit.value), null);
    const { term, phase } = unit.value;
    if ((await this.#shut(term)) === null) return false;
    await this.#open(term, authorityOf(phase));
    return await control.changeFlip(flip, { ...flip.value, state: 'cancelled' });
  }
}

/** The source has committed that it is past the position, then the ends are looked at, then what is applied. */
async function appliedEnds(leg: Leg, position: string): Promise<LogEnds | null> {
  await leg.mark();
  if (!(await leg.hasPassed(position))) return null;
  const ends = await leg.ends();
  return (await leg.hasApplied(ends)) ? ends : null;
}

function isConflict(error: unknown): boolean {
  return error instanceof FicusError && error.code === 'state_conflict';
}
