import type { Collection, Db, Document, Filter, Long } from 'mongodb';
import type {
  DeadLetter,
  DeadLetterStore,
  LetterChoice,
  LetterGroup,
  LetterOrder,
  LetterState,
  Parked,
  Rehearsal,
} from '#core/ports/dead-letters';
import { reach } from '../reach.ts';
import { fromStored, type Stored, toStored } from './record.ts';

const OPEN: readonly LetterState[] = ['dead', 'waiting'];

type StoredLetter = Stored<DeadLetter>;

/** A build of before letters knew their epoch may still put some aside: they are taken to be of the first one. */
const EPOCH = { $ifNull: ['$epoch', 1] };
/** Null: also where there is none. */
const UNSAID = [1, null] as unknown as number[];

/** `ficus.deadLetters`: one document a record; `_id` is topic/partition/offset, and /epoch from the second on. Settled ones are kept. */
export class MongoDeadLetterStore implements DeadLetterStore {
  readonly #letters: Collection<StoredLetter>;

  constructor(db: Db) {
    this.#letters = db.collection('deadLetters');
  }

  async add(letters: readonly DeadLetter[]): Promise<readonly string[]> {
    if (letters.length === 0) return [];
    const ids = letters.map(({ id }) => id);
    return await reach(async () => {
      for (const letter of letters) {
        const { _id, ...$setOnInsert } = toStored(letter);
        await this.#letters.updateOne({ _id }, { $setOnInsert }, { upsert: true });
      }
      const settled = await this.#letters
        .find({ _id: { $in: ids }, state: { $nin: [...OPEN] } }, { projection: { _id: 1 } })
        .toArray();
      return settled.map(({ _id }) => _id);
    });
  }

  async count(unit: string): Promise<number> {
    return await reach(() => this.#letters.countDocuments({ unit, state: { $in: [...OPEN] } }));
  }

  async list(
    of: { readonly unit: string | null; readonly states: readonly LetterState[] },
    limit: number,
  ): Promise<readonly DeadLetter[]> {
    const unit = of.unit === null ? {} : { unit: of.unit };
    return await this.#find({ ...unit, state: { $in: [...of.states] } }, (found) =>
      found.sort({ at: -1, _id: 1 }).limit(limit),
    );
  }

  async groups(unit: string | null): Promise<readonly LetterGroup[]> {
    const sum = (condition: Document): Document => ({ $sum: { $cond: [condition, 1, 0] } });
    const isOrdered = { $ne: ['$order', null] };
    return await reach(() =>
      this.#letters
        .aggregate<LetterGroup>([
          { $match: { ...(unit === null ? {} : { unit }), state: { $in: [...OPEN] } } },
          { $sort: { at: 1, _id: 1 } },
          {
            $group: {
              _id: { unit: '$unit', topic: '$topic', code: '$code', cause: '$cause' },
              dead: sum({ $eq: ['$state', 'dead'] }),
              waiting: sum({ $eq: ['$state', 'waiting'] }),
              ordered: sum(isOrdered),
              first: { $first: '$at' },
              last: { $last: '$at' },
              sample: { $first: '$_id' },
              reason: { $first: '$reason' },
            },
          },
          { $replaceWith: { $mergeObjects: ['$_id', '$$ROOT'] } },
          { $unset: '_id' },
          { $sort: { dead: -1, unit: 1, topic: 1, code: 1, cause: 1 } },
        ])
        .toArray(),
    );
  }

  async rows(unit: string): Promise<ReadonlyMap<string, Parked>> {
    const found = await reach(() =>
      this.#letters
        .aggregate<{ _id: { row: string; epoch: number }; first: Long }>(
          [
            { $match: { unit, state: { $in: [...OPEN] }, row: { $ne: null } } },
            { $group: { _id: { row: '$row', epoch: EPOCH }, first: { $min: { $toLong: '$offset' } } } },
            // The last one of a row stays.
            { $sort: { '_id.epoch': 1 } },
          ],
          { promoteLongs: false },
        )
        .toArray(),
    );
    return new Map(found.map(({ _id, first }) => [_id.row, { epoch: _id.epoch, offset: first.toBigInt() }]));
  }

  async due(unit: string, most: number): Promise<readonly DeadLetter[]> {
    const found = await reach(() =>
      this.#letters
        .aggregate<{ letter: StoredLetter }>([
          { $match: { unit, state: { $in: [...OPEN] } } },
          {
            $group: {
              _id: { row: { $ifNull: ['$row', '$_id'] }, epoch: EPOCH },
              letter: { $first: '$$ROOT' },
              dead: { $max: { $cond: [{ $eq: ['$state', 'dead'] }, 1, 0] } },
              ordered: { $max: { $cond: [{ $ne: ['$order', null] }, 1, 0] } },
            },
          },
          { $match: { $or: [{ dead: 0 }, { ordered: 1 }] } },
          { $limit: most },
        ])
        .toArray(),
    );
    return found.map(({ letter }) => letterOf(letter));
  }

  async open({
    id,
    unit,
    row,
    epoch,
  }: Pick<DeadLetter, 'id' | 'unit' | 'row' | 'epoch'>): Promise<readonly DeadLetter[]> {
    const of: Filter<StoredLetter> =
      row === null ? { _id: id } : { unit, row, epoch: epoch === 1 ? { $in: UNSAID } : epoch };
    const found = await this.#find({ ...of, state: { $in: [...OPEN] } }, (cursor) => cursor);
    return found.toSorted(byOffset);
  }

  async order(choice: LetterChoice, order: LetterOrder, most: number): Promise<readonly string[]> {
    const ids = await this.chosen(choice, most);
    await reach(() =>
      this.#letters.updateMany({ _id: { $in: [...ids] }, state: 'dead' }, { $set: { order } }),
    );
    return ids;
  }

  async chosen({ id, ...members }: LetterChoice, most: number): Promise<readonly string[]> {
    const said = Object.entries({ ...members, _id: id }).filter(([, value]) => value !== undefined);
    const filter = { ...Object.fromEntries(said), state: 'dead' } as Filter<StoredLetter>;
    const found = await reach(() =>
      this.#letters
        .find(filter, { projection: { _id: 1 } })
        .sort({ at: 1, _id: 1 })
        .limit(most)
        .toArray(),
    );
    return found.map(({ _id }) => _id);
  }

  async read(ids: readonly string[]): Promise<readonly DeadLetter[]> {
    return await this.#find({ _id: { $in: [...ids] } }, (cursor) => cursor.sort({ at: 1, _id: 1 }));
  }

  async settle(ids: readonly string[], state: 'replayed' | 'discarded', at: string): Promise<void> {
    await reach(() =>
      this.#letters.updateMany(
        { _id: { $in: [...ids] }, state: { $in: [...OPEN] } },
        { $set: { state, settledAt: at } },
      ),
    );
  }

  async rehearsed(id: string, rehearsal: Rehearsal): Promise<void> {
    await reach(() => this.#letters.updateOne({ _id: id }, { $set: { rehearsal, order: null } }));
  }

  async fail(id: string, why: Pick<DeadLetter, 'code' | 'reason' | 'cause'>): Promise<void> {
    await reach(() => this.#letters.updateOne({ _id: id }, { $set: { ...why, state: 'dead', order: null } }));
  }

  async #find(
    filter: Filter<StoredLetter>,
    by: (
      cursor: ReturnType<Collection<StoredLetter>['find']>,
    ) => ReturnType<Collection<StoredLetter>['find']>,
  ): Promise<readonly DeadLetter[]> {
    const found = await reach(() => by(this.#letters.find(filter)).toArray());
    return found.map((one) => letterOf(one as StoredLetter));
  }
}

function letterOf(stored: StoredLetter): DeadLetter {
  const letter = fromStored<Omit<DeadLetter, 'epoch'> & { readonly epoch?: number }>(stored);
  return { ...letter, epoch: letter.epoch ?? 1 };
}

function byOffset(a: DeadLetter, b: DeadLetter): number {
  const order = BigInt(a.offset) - BigInt(b.offset);
  return order < 0n ? -1 : order > 0n ? 1 : 0;
}
