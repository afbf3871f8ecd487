import { type EpochFirsts, epochLookup } from '#core/epoch';
import type { ControlMigration } from './migration.ts';

interface UnitRecord {
  readonly _id: string;
  readonly epoch: number;
  readonly replaced?: number;
  readonly plan: { readonly system: string };
}

interface CaptureRecord {
  readonly _id: string;
  readonly replacements?: readonly EpochFirsts[];
}

interface LetterRecord {
  readonly _id: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

/** Letters know their epoch: so far the offset has told it, and no topic that was made anew was read. */
export const letterEpochs: ControlMigration = {
  number: 3,
  name: 'letter-epochs',
  async up(db) {
    const letters = db.collection<LetterRecord>('deadLetters');
    const captures = await db.collection<CaptureRecord>('captures').find().toArray();
    for await (const { _id: unit, epoch, replaced = 0, plan } of db.collection<UnitRecord>('units').find()) {
      const beginnings = captures.find(({ _id }) => _id === plan.system)?.replacements ?? [];
      const epochOf = epochLookup(epoch, beginnings.slice(0, replaced));
      for await (const letter of letters.find({ unit, epoch: { $exists: false } })) {
        const { _id, topic, partition, offset } = letter;
        const own = epochOf({ topic, partition, offset: BigInt(offset) });
        await letters.updateOne({ _id }, { $set: { epoch: own } });
      }
    }
    await letters.updateMany({ epoch: { $exists: false } }, { $set: { epoch: 1 } });
  },
};
