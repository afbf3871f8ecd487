import type { Collection, Db } from 'mongodb';
import { assert } from '#core/errors';
import type { TopicPartition, TopicRecord, TopicStore } from '#core/ports/replication';
import { reach } from '../reach.ts';

/** `ficus.topics`: one document a topic; the members are those of `TopicRecord`. */
interface StoredTopic extends Omit<TopicRecord, 'topic'> {
  /** The topic. */
  readonly _id: string;
  /** By partition: see `TopicStore.lose`. */
  readonly lost?: Readonly<Record<string, number>>;
}

export class MongoTopicStore implements TopicStore {
  readonly #topics: Collection<StoredTopic>;

  constructor(db: Db) {
    this.#topics = db.collection('topics');
  }

  async read(topic: string): Promise<TopicRecord | null> {
    const found = await reach(() => this.#topics.findOne({ _id: topic }));
    return found === null ? null : recordOf(found);
  }

  async register(topic: string, partitions: number): Promise<TopicRecord> {
    const found = await reach(() =>
      this.#topics.findOneAndUpdate(
        { _id: topic },
        { $setOnInsert: { incarnation: 1, partitions, begun: [], logs: {} } },
        { upsert: true, returnDocument: 'after' },
      ),
    );
    assert(found !== null, 'an upsert answers the document');
    return recordOf(found);
  }

  async resize(topic: string, partitions: number): Promise<void> {
    await reach(() => this.#topics.updateOne({ _id: topic }, { $set: { partitions } }));
  }

  async begin({ topic, partition }: TopicPartition, log: string | null): Promise<void> {
    const $set = log === null ? {} : { [`logs.${partition}`]: log };
    await reach(() => this.#topics.updateOne({ _id: topic }, { $addToSet: { begun: partition }, $set }));
  }

  async lose({ topic, partition }: TopicPartition, epochs: number): Promise<number> {
    const noted = `lost.${partition}`;
    const found = await reach(async () => {
      await this.#topics.updateOne(
        { _id: topic, [noted]: { $exists: false } },
        { $set: { [noted]: epochs } },
      );
      return await this.#topics.findOne({ _id: topic });
    });
    return found?.lost?.[String(partition)] ?? epochs;
  }

  async find({ topic, partition }: TopicPartition): Promise<void> {
    const noted = `lost.${partition}`;
    await reach(() =>
      this.#topics.updateOne({ _id: topic, [noted]: { $exists: true } }, { $unset: { [noted]: true } }),
    );
  }
}

function recordOf({ _id: topic, incarnation, partitions, begun = [], logs = {} }: StoredTopic): TopicRecord {
  return { topic, incarnation, partitions, begun, logs };
}
