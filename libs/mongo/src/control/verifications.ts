import type { Collection, Db, Filter } from 'mongodb';
import { FicusError } from '#core/errors';
import type { ScanCheckpoint, VerificationRun, VerificationStore } from '#core/ports/control';
import type { Verification } from '#core/reconcile';
import { insertUnlessKnown, reach } from '../reach.ts';
import { fromStored, type Stored, toStored } from './record.ts';

/** `ficus.verifications`: one document a run, with what its next worker needs. */
type StoredVerification = Stored<Verification> & {
  /** Where to go on; kept after the end, since it tells how far a broken run came. */
  readonly checkpoint: ScanCheckpoint;
  /** How many workers took the run; a save by any but the last is refused. */
  readonly attempt: number;
};

const START: ScanCheckpoint = { version: 1, planVersion: null, through: null, suspects: [] };
const UNFINISHED: Filter<StoredVerification> = { state: { $in: ['queued', 'running'] } };
/** Members of the document that the outside does not see. */
const OUTSIDE = { checkpoint: 0, attempt: 0 } as const;

export class MongoVerificationStore implements VerificationStore {
  readonly #runs: Collection<StoredVerification>;

  constructor(db: Db) {
    this.#runs = db.collection('verifications');
  }

  async create(verification: Verification): Promise<void> {
    await insertUnlessKnown(this.#runs, { ...toStored(verification), checkpoint: START, attempt: 0 });
  }

  async take(id: string): Promise<VerificationRun | null> {
    const found = await reach(() =>
      this.#runs.findOneAndUpdate(
        { _id: id, ...UNFINISHED },
        { $inc: { attempt: 1 } },
        { returnDocument: 'after' },
      ),
    );
    if (found === null) return null;
    const { checkpoint, attempt, ...rest } = found;
    return { verification: fromStored<Verification>(rest as Stored<Verification>), checkpoint, attempt };
  }

  async save({ verification, checkpoint, attempt }: VerificationRun): Promise<void> {
    const { _id, ...fields } = toStored(verification);
    const result = await reach(() =>
      this.#runs.updateOne({ _id, attempt }, { $set: { ...fields, checkpoint } }),
    );
    if (result.matchedCount === 0)
      throw new FicusError('state_conflict', `verification ${_id} was taken over by another worker`);
  }

  async unfinished(): Promise<readonly Verification[]> {
    return await this.#find(UNFINISHED, 1, 1_000);
  }

  async read(id: string): Promise<Verification | null> {
    const [found] = await this.#find({ _id: id }, 1, 1);
    return found ?? null;
  }

  async history(unit: string, limit: number): Promise<readonly Verification[]> {
    return await this.#find({ unit }, -1, limit);
  }

  async #find(
    filter: Filter<StoredVerification>,
    order: 1 | -1,
    limit: number,
  ): Promise<readonly Verification[]> {
    const found = await reach(() =>
      this.#runs
        .find<Stored<Verification>>(filter, { projection: OUTSIDE })
        .sort({ requestedAt: order, _id: order })
        .limit(limit)
        .toArray(),
    );
    return found.map((one) => fromStored<Verification>(one));
  }
}
