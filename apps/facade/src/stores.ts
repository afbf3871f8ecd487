import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import type { DocumentStore } from '#core/ports/document-store';
import type { LegacyStore } from '#core/ports/legacy-store';
import type { StoreName } from './read-route.ts';

/** What both sides can be asked alike. */
export type ReadStore = Pick<LegacyStore & DocumentStore, 'list' | 'readOne'>;

/** MongoDB, which may know that it does not know a row. */
export type CopyStore = ReadStore & Pick<DocumentStore, 'isUnsure'>;

/** The stores of the estate: one for each legacy system, and MongoDB. */
export class Stores {
  readonly #legacy: ReadonlyMap<string, LegacyStore>;
  readonly #documents: CopyStore;

  constructor(legacy: ReadonlyMap<string, LegacyStore>, documents: CopyStore) {
    this.#legacy = legacy;
    this.#documents = documents;
  }

  get copy(): CopyStore {
    return this.#documents;
  }

  readable(plan: Plan, name: StoreName): ReadStore {
    return name === 'mongodb' ? this.#documents : this.legacy(plan);
  }

  /** @throws FicusError `setting_invalid` when systems.yaml does not name the plan's system. */
  legacy(plan: Plan): LegacyStore {
    const store = this.#legacy.get(plan.system);
    if (store !== undefined) return store;
    const names = [...this.#legacy.keys()].join(', ') || 'none';
    throw new FicusError(
      'setting_invalid',
      `unit ${plan.unit} lives in the legacy system ${plan.system}; systems.yaml names ${names}`,
    );
  }
}
