import type { Collection, Db } from 'mongodb';
import { assert } from '#core/errors';
import type { TopicRecord, TopicStore } from '#core/ports/replication';
import { reach } from '../reach.ts';

/** `ficus.topics`: one document a topic; the members are those of `TopicRecord`. */
interface StoredTopic extends Omit<TopicRecord, 'topic'> {
  /** The topic. */
  readonly _id: string;
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
        { $setOnInsert: { incarnation: 1, partitions, begun: [] } },
        { upsert: true, returnDocument: 'after' },
      ),
    );
    assert(found !== null, 'an upsert answers the document');
    return recordOf(found);
  }

  async begin(topic: string, partition: number): Promise<void> {
    await reach(() => this.#topics.updateOne({ _id: topic }, { $addToSet: { begun: partition } }));
  }
}

function recordOf({ _id: topic, incarnation, partitions, begun = [] }: StoredTopic): TopicRecord {
  return { topic, incarnation, partitions, begun };
}
