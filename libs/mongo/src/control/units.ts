import type { Collection, Db, Document } from 'mongodb';
import { FicusError } from '#core/errors';
import type { Phase } from '#core/phase';
import type { Plan } from '#core/plan';
import type { PathShape } from '#core/plan-change';
import type { Clock } from '#core/ports/clock';
import type { UnitStore } from '#core/ports/control';
import type { Unit, UnitState } from '#core/unit-state';
import { reach } from '../reach.ts';
import { readStatus, type StoredStatus } from './replication-status.ts';

/** `ficus.units`: the applied plan and the state of a unit in one document, so that both are read together. */
export interface StoredUnit extends Omit<UnitState, 'unit'> {
  /** The unit. */
  readonly _id: string;
  readonly plan: Plan;
  /** The plan's file as it was applied, and by whom and when (ISO 8601 UTC). */
  readonly planText: string;
  readonly planBy: string;
  readonly planAt: string;
  /** Counts the applied versions of the plan, from 1, and the orders to read all of it again. */
  readonly planVersion: number;
  /** Tables that a change of the plan had read again, with the version that last did; absent: none. */
  readonly snapshotWanted?: Unit['snapshotWanted'];
  /** Absent: 0. */
  readonly replaced?: Unit['replaced'];
  /** The generation of its system's capture for which it was last ordered to be read again; absent: the first one. */
  readonly generation?: number;
  /** What every path of any applied plan was, so that a later plan does not meet stored values of another shape. */
  readonly pathShapes?: readonly PathShape[];
  /** Who raised `revision` last, and when: what a loser of the compare-and-set is told. */
  readonly changedBy: string;
  readonly changedAt: string;
}

export class MongoUnitStore implements UnitStore {
  readonly #units: Collection<StoredUnit>;
  readonly #clock: Clock;

  constructor(db: Db, clock: Clock) {
    this.#units = db.collection('units');
    this.#clock = clock;
  }

  async readAll(): Promise<readonly Unit[]> {
    return await this.#read({});
  }

  async read(unit: string): Promise<Unit | null> {
    const [found] = await this.#read({ _id: unit });
    return found ?? null;
  }

  async advance(
    state: UnitState,
    next: { phase: Phase; term: number; epoch: number; transition: string | null },
    by: string,
  ): Promise<UnitState> {
    const { phase, term, epoch, transition } = next;
    const changedAt = new Date(this.#clock.now()).toISOString();
    const since = phase === state.phase ? state.since : changedAt;
    const after = await reach(() =>
      this.#units.findOneAndUpdate(
        { _id: state.unit, revision: state.revision },
        { $set: { phase, term, epoch, transition, since, changedBy: by, changedAt }, $inc: { revision: 1 } },
        { returnDocument: 'after' },
      ),
    );
    if (after === null) throw await this.#conflict(state);
    return stateOf(after);
  }

  async readAgain(system: string, generation: number, by: string): Promise<void> {
    const open = { 'plan.system': system, generation: { $not: { $gte: generation } } };
    await reach(() => this.#units.updateMany(open, [{ $set: { generation, ...this.#allAgain(by) } }]));
  }

  async openEpochs(system: string, replaced: number, by: string): Promise<void> {
    if (replaced === 0) return;
    const open = { 'plan.system': system, replaced: { $not: { $gte: replaced } } };
    const missing = { $subtract: [replaced, { $ifNull: ['$replaced', 0] }] };
    const $set = { epoch: { $add: ['$epoch', missing] }, replaced, ...this.#allAgain(by) };
    await reach(() => this.#units.updateMany(open, [{ $set }]));
  }

  /** Members of an update as a pipeline: a new version of the plan, by which all tables are wanted. */
  #allAgain(changedBy: string): Document {
    const changedAt = new Date(this.#clock.now()).toISOString();
    const version = { $add: ['$planVersion', 1] };
    const tables = { $setUnion: [['$plan.root.table'], '$plan.embeds.table'] };
    return {
      ...{ changedBy, changedAt, planVersion: version, revision: { $add: ['$revision', 1] } },
      snapshotWanted: { $map: { input: tables, as: 'table', in: { table: '$$table', version } } },
    };
  }

  async #conflict(state: UnitState): Promise<FicusError> {
    const now = await reach(() => this.#units.findOne({ _id: state.unit }));
    if (now === null) return new FicusError('unit_unknown', `unit "${state.unit}" does not exist`);
    return new FicusError(
      'state_conflict',
      `unit "${state.unit}" was changed by ${now.changedBy} at ${now.changedAt}: it is at revision ${now.revision} ` +
        `in phase ${now.phase}, and the change was decided on revision ${state.revision} in phase ${state.phase}`,
    );
  }

  /** One aggregation joins the status to the unit, so that neither is older than the other's reader believes. */
  async #read($match: Document): Promise<readonly Unit[]> {
    const pipeline = [
      { $match },
      { $sort: { _id: 1 } },
      { $lookup: { from: 'replication', localField: '_id', foreignField: '_id', as: 'replication' } },
    ];
    const found = await reach(() =>
      this.#units.aggregate<StoredUnit & { replication: StoredStatus[] }>(pipeline).toArray(),
    );
    return found.map((one) => ({
      plan: one.plan,
      planVersion: one.planVersion,
      snapshotWanted: one.snapshotWanted ?? [],
      replaced: one.replaced ?? 0,
      state: stateOf(one),
      replication: readStatus(one.replication[0]),
    }));
  }
}

function stateOf(stored: StoredUnit): UnitState {
  const { _id: unit, phase, epoch, term, revision, since, transition } = stored;
  return { unit, phase, epoch, term, revision, since, transition };
}
