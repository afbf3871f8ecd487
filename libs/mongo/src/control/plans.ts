import { isDeepStrictEqual } from 'node:util';
import type { Collection, Db } from 'mongodb';
import { FicusError } from '#core/errors';
import type { Plan } from '#core/plan';
import { joinShapes, pathShapes, planChange } from '#core/plan-change';
import type { CaptureStore } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { AppliedPlan, PlanStore } from '#core/ports/replication';
import { insertUnlessKnown, reach } from '../reach.ts';
import type { StoredUnit } from './units.ts';

/** How often two who apply plans of one unit at once may overtake each other. */
const ROUNDS = 10;

/** Why a member of a plan may not change: the documents that are stored have it in them. */
const CANNOT_CHANGE = 'cannot change while the unit is applied; give the unit a new name and collection';

/** Keeps the plan inside the unit's document (`ficus.units`). */
export class MongoPlanStore implements PlanStore {
  readonly #units: Collection<StoredUnit>;
  readonly #captures: Pick<CaptureStore, 'read'>;
  readonly #clock: Clock;

  constructor(db: Db, captures: Pick<CaptureStore, 'read'>, clock: Clock) {
    this.#units = db.collection('units');
    this.#captures = captures;
    this.#clock = clock;
  }

  async refusals(plan: Plan): Promise<readonly string[]> {
    const known = await reach(() => this.#units.findOne({ _id: plan.unit }));
    if (known === null) return [];
    const { refused } = planChange(known.plan, plan, known.pathShapes);
    return refused.map((member) => `${plan.unit}: ${member} ${CANNOT_CHANGE}`);
  }

  async put(plan: Plan, text: string, by: string): Promise<AppliedPlan> {
    for (let round = 0; round < ROUNDS; round++) {
      const known = await reach(() => this.#units.findOne({ _id: plan.unit }));
      const applied =
        known === null ? await this.#create(plan, text, by) : await this.#change(known, plan, text, by);
      if (applied !== null) return applied;
    }
    throw new FicusError('state_conflict', `others keep changing the plan of unit "${plan.unit}"`, {
      retryable: true,
    });
  }

  /** Null: somebody else created the unit meanwhile. */
  async #create(plan: Plan, planText: string, by: string): Promise<AppliedPlan | null> {
    const at = new Date(this.#clock.now()).toISOString();
    // What lies in the log may be of databases that have been replaced since.
    const { replacements } = await this.#captures.read(plan.system);
    const replaced = replacements.length;
    const unit: StoredUnit = {
      _id: plan.unit,
      plan,
      planText,
      planBy: by,
      planAt: at,
      planVersion: 1,
      phase: 'legacy',
      epoch: replaced + 1,
      replaced,
      term: 1,
      revision: 1,
      since: at,
      transition: null,
      changedBy: by,
      changedAt: at,
    };
    const created = await insertUnlessKnown(this.#units, unit);
    return created ? { unit: plan.unit, version: 1, changed: true, snapshot: [] } : null;
  }

  /** Raises the revision too: a flip that was judged by the old plan must not go on. Null: lost a race. */
  async #change(known: StoredUnit, plan: Plan, planText: string, by: string): Promise<AppliedPlan | null> {
    const unit = plan.unit;
    if (isDeepStrictEqual(known.plan, plan))
      return { unit, version: known.planVersion, changed: false, snapshot: [] };
    const { refused, snapshot } = planChange(known.plan, plan, known.pathShapes);
    if (refused.length > 0) {
      const faults = refused.map((member) => `${unit}: ${member} ${CANNOT_CHANGE}`);
      throw new FicusError('plan_invalid', faults.join('\n'));
    }
    const version = known.planVersion + 1;
    const others = (known.snapshotWanted ?? []).filter((one) => !snapshot.includes(one.table));
    const snapshotWanted = [...others, ...snapshot.map((table) => ({ table, version }))];
    const pathShapesNow = joinShapes(known.pathShapes ?? pathShapes(known.plan), plan);
    const at = new Date(this.#clock.now()).toISOString();
    const result = await reach(() =>
      this.#units.updateOne(
        { _id: unit, planVersion: known.planVersion },
        {
          $set: {
            ...{ plan, planText, planBy: by, planAt: at, changedBy: by, changedAt: at },
            ...{ snapshotWanted, pathShapes: pathShapesNow },
          },
          $inc: { planVersion: 1, revision: 1 },
        },
      ),
    );
    return result.matchedCount === 0 ? null : { unit, version, changed: true, snapshot };
  }
}
