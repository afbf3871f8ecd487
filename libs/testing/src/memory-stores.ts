import { FicusError } from '#core/errors';
import type { TransitionStore, UnitStore, VerificationRun, VerificationStore } from '#core/ports/control';
import type { Verification } from '#core/reconcile';
import type { Unit } from '#core/unit-state';

/** Verifications in memory, each saved by its last taker only. */
export class MemoryVerifications implements VerificationStore {
  readonly #runs = new Map<string, VerificationRun>();
  /** Called before every save, to fail. */
  beforeSave: (run: VerificationRun) => void = () => undefined;

  async create(verification: Verification): Promise<void> {
    if (this.#runs.has(verification.id)) return;
    const checkpoint = { version: 1, planVersion: null, through: null, suspects: [] } as const;
    this.#runs.set(verification.id, { verification, checkpoint, attempt: 0 });
  }

  async take(id: string): Promise<VerificationRun | null> {
    const run = this.#runs.get(id);
    if (run === undefined || !isOpen(run)) return null;
    const taken = { ...run, attempt: run.attempt + 1 };
    this.#runs.set(id, taken);
    return taken;
  }

  async save(run: VerificationRun): Promise<void> {
    this.beforeSave(run);
    if (this.#runs.get(run.verification.id)?.attempt !== run.attempt)
      throw new FicusError('state_conflict', 'taken over');
    this.#runs.set(run.verification.id, run);
  }

  async unfinished(): Promise<readonly Verification[]> {
    return [...this.#runs.values()].filter(isOpen).map((run) => run.verification);
  }

  async read(id: string): Promise<Verification | null> {
    return this.#runs.get(id)?.verification ?? null;
  }

  async history(unit: string, limit: number): Promise<readonly Verification[]> {
    const own = [...this.#runs.values()].map((run) => run.verification).filter((one) => one.unit === unit);
    return own.reverse().slice(0, limit);
  }
}

function isOpen({ verification: { state } }: VerificationRun): boolean {
  return state === 'queued' || state === 'running';
}

/** Units in memory, with the compare-and-set of the real ones. */
export class MemoryUnits implements UnitStore {
  readonly #units = new Map<string, Unit>();
  readonly #changedBy = new Map<string, string>();

  put(unit: Unit): void {
    this.#units.set(unit.plan.unit, unit);
  }

  async readAll(): Promise<readonly Unit[]> {
    return [...this.#units.values()];
  }

  async read(unit: string): Promise<Unit | null> {
    return this.#units.get(unit) ?? null;
  }

  async advance(...[state, next, by]: Parameters<UnitStore['advance']>): Promise<Unit['state']> {
    const unit = this.#units.get(state.unit);
    if (unit === undefined) throw new FicusError('unit_unknown', `no unit ${state.unit}`);
    if (unit.state.revision !== state.revision)
      throw new FicusError('state_conflict', `changed by ${this.#changedBy.get(state.unit) ?? 'a test'}`);
    const { phase, term, epoch, transition } = next;
    const after = { ...unit.state, phase, term, epoch, transition, revision: state.revision + 1 };
    this.#units.set(state.unit, { ...unit, state: after });
    this.#changedBy.set(state.unit, by);
    return after;
  }

  async readAgain(): Promise<void> {
    throw new Error('broken assumption: no test orders it in memory');
  }

  async openEpochs(): Promise<void> {
    throw new Error('broken assumption: no test orders it in memory');
  }
}

/** Transitions in memory, at most one of a unit running. */
export class MemoryTransitions implements TransitionStore {
  readonly #all = new Map<string, Parameters<TransitionStore['record']>[0]>();

  async record(transition: Parameters<TransitionStore['record']>[0]): Promise<void> {
    const other = [...this.#all.values()].find(
      (one) => one.unit === transition.unit && one.state === 'running',
    );
    if (transition.state === 'running' && other !== undefined)
      throw new FicusError('state_conflict', `a flip that ${other.requestedBy} asked for is running`);
    this.#all.set(transition.id, transition);
  }

  async finish(...[id, state, at]: Parameters<TransitionStore['finish']>): Promise<void> {
    const known = this.#all.get(id);
    if (known?.state === 'running') this.#all.set(id, { ...known, state, finishedAt: at });
  }

  async read(id: string) {
    return this.#all.get(id) ?? null;
  }

  async history(unit: string, limit: number) {
    const own = [...this.#all.values()].filter((one) => one.unit === unit);
    return own.reverse().slice(0, limit);
  }

  async running() {
    return [...this.#all.values()].filter((one) => one.state === 'running');
  }
}
