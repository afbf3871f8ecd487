import { type Fault, FicusError } from '#core/errors';
import type { Phase, Step } from '#core/phase';
import { stepsFrom } from '#core/phase';
import type { Clock } from '#core/ports/clock';
import type { Transition, TransitionStore, UnitStore } from '#core/ports/control';
import { findStep, type Guard, judgeGuards, type Measurements } from '#core/transition';
import type { Unit } from '#core/unit-state';
import { FLIP_STEPS, type FlipStepName } from './flip-steps.ts';

/**
 * A flip between `legacy` and `offload`. The authority does not move, so nothing is drained or fenced: reads go
 * elsewhere, and the epoch stays. What must hold is that one of two racing operators wins and that a crash leaves
 * neither a flip half done nor one that is done and not told.
 *
 *   record     the transition stands as running; a unique index lets no other one run
 *   switch     compare-and-set of the unit on the revision that the guards were judged on; it takes the transition's id
 *   finish     the transition is done
 *
 * After a crash, whether the flip happened is asked of the unit: it happened iff the unit carries the transition's id.
 * No other flip can have overwritten the id, since none can be recorded while this one is running. If it has not
 * happened, raising the term by compare-and-set makes it impossible for a paused instance to do it later.
 */

export interface FlipParts {
  readonly units: UnitStore;
  readonly transitions: TransitionStore;
  readonly measure: (unit: Unit) => Promise<Measurements>;
  readonly clock: Clock;
  readonly newId: () => string;
}

export interface FlipRequest {
  readonly unit: string;
  readonly to: Phase;
  readonly reason: string;
  readonly requestedBy: string;
}

/** What a flip would do: its step, the guards as they stand now, and the plan of steps. */
export interface FlipPreview extends Step {
  readonly unit: string;
  /** Do all guards pass? */
  readonly allowed: boolean;
  readonly guards: readonly Guard[];
  readonly steps: readonly { readonly name: FlipStepName; readonly does: string }[];
}

/** A refusal by guards; each failing one is named in the message and in the faults, all of them are carried along. */
export class GuardRefusal extends FicusError {
  readonly guards: readonly Guard[];

  constructor(unit: string, to: Phase, guards: readonly Guard[]) {
    const faults: Fault[] = guards
      .filter((guard) => !guard.passed)
      .map(({ name, value, limit }) => ({
        pointer: '/to',
        message: `${name} is ${value}; needed: ${limit}`,
      }));
    const reasons = faults.map((fault) => fault.message).join('; ');
    super('guard_failed', `unit "${unit}" must not flip to ${to}: ${reasons}`, { faults });
    this.name = 'GuardRefusal';
    this.guards = guards;
  }
}

/** Milliseconds after which a running transition is taken for abandoned; a flip takes far less. */
export const ABANDONED_MS = 5_000;

export class Flip {
  readonly #parts: FlipParts;

  constructor(parts: FlipParts) {
    this.#parts = parts;
  }

  /** The steps that lead away from where the unit stands, each as it would go now. */
  async previews(unit: Unit): Promise<readonly FlipPreview[]> {
    const measured = await this.#parts.measure(unit);
    return stepsFrom(unit.plan.mode, unit.state.phase).map((step) => preview(unit, step, measured));
  }

  /** Judges and changes nothing. @throws FicusError as `flip` does, but for guards. */
  async dryRun({ unit: name, to }: Pick<FlipRequest, 'unit' | 'to'>): Promise<FlipPreview> {
    const unit = await this.#read(name);
    return preview(unit, stepTo(unit, to), await this.#parts.measure(unit));
  }

  /**
   * @throws FicusError `unit_unknown`; `body_invalid` when no step leads there; `state_conflict` when the unit is
   * there already or somebody else was faster, saying who and when; GuardRefusal.
   */
  async flip(request: FlipRequest): Promise<Transition> {
    const { transitions, clock, newId } = this.#parts;
    const unit = await this.#read(request.unit);
    const step = stepTo(unit, request.to);
    const { allowed, guards } = preview(unit, step, await this.#parts.measure(unit));
    const at = new Date(clock.now()).toISOString();
    const { reason, requestedBy } = request;
    const transition: Transition = {
      id: newId(),
      unit: request.unit,
      from: step.from,
      to: step.to,
      reason,
      requestedBy,
      at,
      state: allowed ? 'running' : 'refused',
      guards,
      finishedAt: allowed ? null : at,
    };
    if (!allowed) {
      await transitions.record(transition);
      throw new GuardRefusal(request.unit, step.to, guards);
    }
    for (const { name } of FLIP_STEPS) await this.#carryOut(name, unit, transition);
    return (await transitions.read(transition.id)) ?? transition;
  }

  /** Ends the transitions that a crash left running. @returns what it ended, and how. */
  async recover(): Promise<readonly { readonly id: string; readonly state: 'done' | 'cancelled' }[]> {
    const { transitions, clock } = this.#parts;
    const ended: { id: string; state: 'done' | 'cancelled' }[] = [];
    for (const transition of await transitions.running()) {
      if (clock.now() - Date.parse(transition.at) < ABANDONED_MS) continue;
      const state = await this.#resolve(transition);
      if (state === null) continue;
      await transitions.finish(transition.id, state, new Date(clock.now()).toISOString());
      ended.push({ id: transition.id, state });
    }
    return ended;
  }

  async #carryOut(name: FlipStepName, unit: Unit, transition: Transition): Promise<void> {
    switch (name) {
      case 'record':
        return await this.#parts.transitions.record(transition);
      case 'switch':
        return await this.#switch(unit, transition);
      case 'finish':
        return await this.#finish(transition, 'done');
    }
  }

  /** Only a conflict proves that nothing was switched; after any other failure recovery finds out. */
  async #switch({ state }: Unit, transition: Transition): Promise<void> {
    const { epoch, term } = state;
    const next = { phase: transition.to, epoch, term: term + 1, transition: transition.id };
    try {
      await this.#parts.units.advance(state, next, transition.requestedBy);
    } catch (error) {
      if (isConflict(error)) await this.#finish(transition, 'cancelled');
      throw error;
    }
  }

  async #finish({ id }: Transition, state: 'done' | 'cancelled'): Promise<void> {
    await this.#parts.transitions.finish(id, state, new Date(this.#parts.clock.now()).toISOString());
  }

  /** Null: the unit was changed at this very moment; the next round sees how. */
  async #resolve(transition: Transition): Promise<'done' | 'cancelled' | null> {
    const { units } = this.#parts;
    const unit = await units.read(transition.unit);
    if (unit === null) return 'cancelled';
    const { state } = unit;
    if (state.transition === transition.id) return 'done';
    const fenced = {
      phase: state.phase,
      epoch: state.epoch,
      term: state.term + 1,
      transition: state.transition,
    };
    try {
      await units.advance(state, fenced, 'recovery');
    } catch (error) {
      if (isConflict(error)) return null;
      throw error;
    }
    return 'cancelled';
  }

  async #read(name: string): Promise<Unit> {
    const unit = await this.#parts.units.read(name);
    if (unit === null) throw new FicusError('unit_unknown', `unit "${name}" does not exist`);
    return unit;
  }
}

function preview(unit: Unit, step: Step, measured: Measurements): FlipPreview {
  const guards = judgeGuards(step, measured);
  const allowed = guards.every((guard) => guard.passed);
  return { unit: unit.plan.unit, ...step, allowed, guards, steps: FLIP_STEPS };
}

function stepTo({ plan, state }: Unit, to: Phase): Step {
  const step = findStep(plan.mode, state.phase, to);
  if (step === 'already-there') {
    throw new FicusError(
      'state_conflict',
      `unit "${plan.unit}" is in phase ${to} already, since ${state.since}` +
        (state.transition === null ? '' : ` (transition ${state.transition})`),
    );
  }
  if (step === 'no-such-step') {
    const legal = stepsFrom(plan.mode, state.phase).map((one) => one.to);
    const message = `no step leads from ${state.phase} to ${to}; legal is ${legal.join(', ') || 'none'}`;
    throw new FicusError('body_invalid', `unit "${plan.unit}": ${message}`, {
      faults: [{ pointer: '/to', message }],
    });
  }
  return step;
}

function isConflict(error: unknown): boolean {
  return error instanceof FicusError && error.code === 'state_conflict';
}
