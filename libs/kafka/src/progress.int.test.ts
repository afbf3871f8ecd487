import { randomBytes } from 'node:crypto';
import type { Kafka } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '#observability/clock';
import { addressOf } from '#testing/address';
import { openKafka } from './client.ts';
import { KafkaProgress } from './progress.ts';
import { ensureTopics } from './topics.ts';

const name = `progress${randomBytes(6).toString('hex')}`;
const [kept, deleted] = [`${name}-kept`, `${name}-deleted`];
const group = `${name}-group`;
let kafka: Kafka;
let sut: KafkaProgress;

beforeAll(async () => {
  kafka = openKafka(addressOf('TEST_KAFKA_BROKERS').split(','), name, () => undefined);
  sut = new KafkaProgress(kafka);
});
afterAll(async () => {
  await sut.close();
  await withAdmin((admin) => admin.deleteTopics({ topics: [kept] }));
});

describe('KafkaProgress', () => {
  it('makes topics once, and leaves those that exist as they are', async () => {
    const specs = [
      { topic: kept, partitions: 2 },
      { topic: deleted, partitions: 1 },
    ];
    expect(await ensureTopics(kafka, specs, { clock: systemClock })).toEqual(
      new Map([
        [kept, 2],
        [deleted, 1],
      ]),
    );
    expect(await ensureTopics(kafka, [{ topic: kept, partitions: 5 }], { clock: systemClock })).toEqual(
      new Map([[kept, 2]]),
    );
  });

  it('answers ends and committed offsets by partition', async () => {
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({
      topic: kept,
      messages: [
        { partition: 1, value: 'a' },
        { partition: 1, value: 'b' },
      ],
    });
    await producer.disconnect();
    const ends = new Map([
      [
        kept,
        new Map([
          [0, 0n],
          [1, 2n],
        ]),
      ],
    ]);
    expect(await sut.endOffsets([kept])).toEqual(ends);
    // A broker that has just started answers for groups only a little later.
    await expect
      .poll(() => sut.committed(group, [kept]).then(({ size }) => size, String), { timeout: 30_000 })
      .toBe(1);
    expect(await sut.committed(group, [kept])).toEqual(
      new Map([
        [
          kept,
          new Map([
            [0, 0n],
            [1, 0n],
          ]),
        ],
      ]),
    );
    await withAdmin((admin) =>
      admin.setOffsets({ groupId: group, topic: kept, partitions: [{ partition: 1, offset: '2' }] }),
    );
    expect((await sut.committed(group, [kept])).get(kept)?.get(1)).toBe(2n);
  });

  it('goes on for other topics after one was deleted', async () => {
    expect((await sut.endOffsets([deleted])).get(deleted)).toEqual(new Map([[0, 0n]]));
    await withAdmin((admin) => admin.deleteTopics({ topics: [deleted] }));
    await expect
      .poll(
        () =>
          sut.endOffsets([kept]).then(
            (ends) => ends.size,
            () => 0,
          ),
        { timeout: 30_000 },
      )
      .toBe(1);
    await expect(sut.endOffsets([deleted])).rejects.toMatchObject({
      code: 'kafka_unavailable',
      retryable: true,
    });
    expect((await sut.endOffsets([kept])).size).toBe(1);
  });
});

async function withAdmin<T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}
