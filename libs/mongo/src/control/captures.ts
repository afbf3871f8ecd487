import type { Collection, Db } from 'mongodb';
import { FicusError } from '#core/errors';
import type { Capture, CaptureChange, CaptureStore, SlotReport, Sweep } from '#core/ports/capture';
import { reach } from '../reach.ts';

/** `ficus.captures`: one document a legacy system; the members are those of `Capture`. */
interface StoredCapture extends Omit<Capture, 'system'> {
  /** The system. */
  readonly _id: string;
}

const NEW: Omit<Capture, 'system' | 'slot' | 'seen'> = {
  revision: 0,
  lost: null,
  generation: 0,
  replacements: [],
  renewals: [],
  sweeps: [],
  carrier: null,
};

export class MongoCaptureStore implements CaptureStore {
  readonly #captures: Collection<StoredCapture>;

  constructor(db: Db) {
    this.#captures = db.collection('captures');
  }

  async read(system: string): Promise<Capture> {
    const found = await reach(() => this.#captures.findOne({ _id: system }));
    return found === null ? { system, slot: null, seen: false, ...NEW } : captureOf(found);
  }

  async report(system: string, slot: SlotReport): Promise<void> {
    const isThere = slot.slot !== null;
    const $set = isThere ? { slot, seen: true } : { slot };
    const $setOnInsert = isThere ? NEW : { ...NEW, seen: false };
    await reach(() => this.#captures.updateOne({ _id: system }, { $set, $setOnInsert }, { upsert: true }));
  }

  async change({ system, revision }: Capture, change: CaptureChange): Promise<Capture> {
    const $setOnInsert = { slot: null, seen: false, ...NEW };
    await reach(() => this.#captures.updateOne({ _id: system }, { $setOnInsert }, { upsert: true }));
    const after = await reach(() =>
      this.#captures.findOneAndUpdate(
        { _id: system, revision },
        { $set: change, $inc: { revision: 1 } },
        { returnDocument: 'after' },
      ),
    );
    if (after !== null) return captureOf(after);
    throw new FicusError(
      'state_conflict',
      `the capture of ${system} was changed by somebody else meanwhile`,
      {
        retryable: true,
      },
    );
  }

  async swept(
    system: string,
    generation: number,
    { unit, table }: Pick<Sweep, 'unit' | 'table'>,
  ): Promise<void> {
    const update = { $pull: { sweeps: { unit, table } }, $inc: { revision: 1 } };
    await reach(() => this.#captures.updateOne({ _id: system, generation }, update));
  }
}

function captureOf({ _id: system, ...rest }: StoredCapture): Capture {
  // One that was kept before there were any has none.
  return { ...NEW, system, ...rest };
}
