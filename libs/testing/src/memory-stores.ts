import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError } from '#core/errors';
import { compareKeys, keyText } from '#core/key';
import { keyFields, type Plan } from '#core/plan';
import type { TransitionStore, UnitStore, VerificationRun, VerificationStore } from '#core/ports/control';
import type { ListQuery, Page } from '#core/query';
import type { Verification } from '#core/reconcile';
import { keyOf } from '#core/render';
import type { Unit } from '#core/unit-state';

/** Documents in memory, read as either store is read. A mark counts the writes of a key. */
export class MemoryDocuments {
  readonly #plan: Plan;
  readonly #documents = new Map<string, { document: CanonicalDocument; mark: string }>();
  #writes = 0;
  /** Called before every read, to fail, to wait or to change something. */
  beforeRead: (of: 'list' | 'many') => void = () => undefined;

  constructor(plan: Plan, documents: readonly CanonicalDocument[] = []) {
    this.#plan = plan;
    for (const document of documents) this.put(document);
  }

  put(document: CanonicalDocument): void {
    this.#documents.set(this.#text(document), { document, mark: String(this.#writes++) });
  }

  remove(key: DocumentKey): void {
    this.#documents.delete(keyText(key));
  }

  all(): readonly CanonicalDocument[] {
    return [...this.#documents.values()].map((one) => one.document);
  }

  async list(_plan: Plan, query: ListQuery): Promise<Page> {
    this.beforeRead('list');
    const types = keyFields(this.#plan.root).map((field) => field.type);
    const { after } = query;
    const rest = this.all()
      .map((document) => ({ key: this.#key(document), document }))
      .filter(({ key }) => after === null || compareKeys(key, after, types) > 0)
      .sort((a, b) => compareKeys(a.key, b.key, types));
    return {
      documents: rest.slice(0, query.limit).map((one) => one.document),
      more: rest.length > query.limit,
    };
  }

  async readMarked(_plan: Plan, keys: readonly DocumentKey[]) {
    this.beforeRead('many');
    return keys.flatMap((key) => this.#documents.get(keyText(key)) ?? []);
  }

  async readMany(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly CanonicalDocument[]> {
    return (await this.readMarked(plan, keys)).map((one) => one.document);
  }

  async count(): Promise<number> {
    return this.#documents.size;
  }

  #key(document: CanonicalDocument): DocumentKey {
    return keyOf(keyFields(this.#plan.root), document.root);
  }

  #text(document: CanonicalDocument): string {
    return keyText(this.#key(document));
  }
}

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
      throw new FicusError('state_conflict', `changed by somebody other than ${by}`);
    const after = { ...unit.state, ...next, revision: state.revision + 1 };
    this.#units.set(state.unit, { ...unit, state: after });
    return after;
  }
}

/** Transitions in memory, at most one of a unit running. */
export class MemoryTransitions implements TransitionStore {
  readonly #all = new Map<string, Parameters<TransitionStore['record']>[0]>();

  async record(transition: Parameters<TransitionStore['record']>[0]): Promise<void> {
    const others = [...this.#all.values()];
    if (
      transition.state === 'running' &&
      others.some((one) => one.unit === transition.unit && one.state === 'running')
    )
      throw new FicusError('state_conflict', 'another flip is running');
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
