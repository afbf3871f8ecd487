import type { Consumer, EachBatchPayload } from 'kafkajs';
import type { ChangeStream, Document } from 'mongodb';
import type { Rig } from '../rig.ts';
import { TOPIC, UNIT } from './replicator.ts';
import { numberOf, WATCHED } from './source.ts';

/** To tell of every change would cost the server, and this process, about as much as to apply it. */
function ofWatched(): Document {
  return {
    $or: ['updateDescription.updatedFields.note', 'fullDocument.note'].map((note) => ({ [note]: WATCHED })),
  };
}

/** When a change was where, ms since the epoch by this machine's clock. */
export interface Sighting {
  /** At the source, as Debezium has it of PostgreSQL's log. */
  committed?: number;
  /** The record's timestamp: when Kafka Connect had it sent. */
  sent?: number;
  /** When MongoDB told of the new document, which it does once a majority has it. */
  readable?: number;
}

/** Sees some of the changes pass through Kafka and arrive in MongoDB. */
export class Watch {
  readonly sightings = new Map<number, Sighting>();
  readonly #consumer: Consumer;
  readonly #stream: ChangeStream;

  private constructor(consumer: Consumer, stream: ChangeStream) {
    this.#consumer = consumer;
    this.#stream = stream;
  }

  static async open({ kafka, documents }: Rig): Promise<Watch> {
    // When it gets a record does not matter, only the time that the record bears: so it asks seldom.
    const consumer = kafka.consumer({ groupId: 'bench-lag', minBytes: 1_000_000, maxWaitTimeInMs: 1_000 });
    const stream = documents.collection(UNIT).watch([{ $match: ofWatched() }], {
      readConcern: { level: 'majority' },
    });
    const watch = new Watch(consumer, stream);
    stream.on('change', (change) => {
      if (change.operationType === 'update') watch.#arrived(change.updateDescription.updatedFields?.note);
      else if (change.operationType === 'replace') watch.#arrived(change.fullDocument.note);
    });
    const joined = new Promise<void>((resolve) => {
      consumer.on(consumer.events.GROUP_JOIN, () => resolve());
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [TOPIC], fromBeginning: false });
    await consumer.run({
      eachBatch: async (payload) => watch.#passed(payload),
      partitionsConsumedConcurrently: 4,
    });
    await joined;
    return watch;
  }

  async close(): Promise<void> {
    await this.#stream.close();
    await this.#consumer.disconnect();
  }

  #passed({ batch }: EachBatchPayload): void {
    for (const { value, timestamp } of batch.messages) {
      if (value === null) continue;
      const { after, source } = JSON.parse(value.toString()) as {
        after: { note: string } | null;
        source: { ts_us: number };
      };
      const sighting = this.#of(after?.note);
      if (sighting === null) continue;
      // A connector that begins again sends a change twice: the first time counts.
      sighting.committed ??= source.ts_us / 1_000;
      sighting.sent ??= Number(timestamp);
    }
  }

  #arrived(note: unknown): void {
    const now = performance.timeOrigin + performance.now();
    const sighting = this.#of(note);
    if (sighting !== null) sighting.readable ??= now;
  }

  #of(note: unknown): Sighting | null {
    if (!WATCHED.test(String(note))) return null;
    const number = numberOf(note);
    if (number === null) return null;
    const known = this.sightings.get(number) ?? {};
    this.sightings.set(number, known);
    return known;
  }
}
