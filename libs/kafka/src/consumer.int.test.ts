import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type { Admin, Kafka } from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { FicusError } from '#core/errors';
import type { LogRecord } from '#debezium/log-record';
import { systemClock } from '#observability/clock';
import { addressOf } from '#testing/address';
import { openKafka } from './client.ts';
import { type ConsumeOptions, LogConsumer } from './consumer.ts';
import { backlogOf, KafkaProgress, RESET } from './progress.ts';
import { ensureTopics } from './topics.ts';

const run = `consumer${randomBytes(6).toString('hex')}`;
let kafka: Kafka;
let admin: Admin;
let progress: KafkaProgress;
let topic = '';
let group = '';
let made = 0;

beforeAll(async () => {
  kafka = openKafka(addressOf('TEST_KAFKA_BROKERS').split(','), run, () => undefined);
  admin = kafka.admin();
  await admin.connect();
  progress = new KafkaProgress(kafka);
});
afterAll(async () => {
  await progress.close();
  await admin.disconnect();
});
/** A topic of one partition and a group of its own for each test. */
beforeEach(async () => {
  made += 1;
  topic = `${run}-${made}`;
  group = `${topic}-group`;
  await ensureTopics(kafka, [{ topic, partitions: 1 }], { clock: systemClock });
  // The client's deleteTopicRecords knows only topics that it was asked about before.
  await admin.fetchTopicOffsets(topic);
  // A broker that has just started still loads the group's coordinator: waited for here, so that it is no trouble below.
  await expect.poll(() => progress.committed(group, [topic]).then(() => true), WAIT).toBe(true);
});

async function produce(...values: readonly string[]): Promise<void> {
  const producer = kafka.producer();
  await producer.connect();
  await producer.send({ topic, messages: values.map((value) => ({ value })) });
  await producer.disconnect();
}

/** What the group has handled, as the control database remembers it. */
const begun = new Map<string, string | null>();

function consume(
  meanwhile: (records: readonly LogRecord[]) => Promise<void> = async () => undefined,
  given: Partial<ConsumeOptions> = {},
) {
  const seen: string[] = [];
  const troubles: unknown[] = [];
  const consumer = new LogConsumer(kafka, {
    group,
    topics: [topic],
    clock: systemClock,
    handle: async (records) => {
      await meanwhile(records);
      seen.push(...records.map((record) => `${record.offset}:${record.value?.toString()}`));
    },
    begun: {
      read: async (of) => {
        const log = begun.get(of);
        return new Map(log === undefined ? [] : [[0, log]]);
      },
      add: async (of, log) => {
        begun.set(of.topic, log);
      },
    },
    trouble: (error) => troubles.push(error),
    fine: () => undefined,
    ...given,
  });
  consumer.start();
  return { consumer, seen, troubles };
}

const committed = async (): Promise<bigint | undefined> =>
  (await progress.committed(group, [topic])).get(topic)?.get(0);
const isLost = (error: unknown): boolean => error instanceof FicusError && error.code === 'log_replaced';
const WAIT = { timeout: 50_000, interval: 50 };

describe('LogConsumer', () => {
  it('reads from the first record, commits what was handled, and goes on from there', async () => {
    await produce('a', 'b');
    const first = consume();
    await expect.poll(() => first.seen, WAIT).toEqual(['0:a', '1:b']);
    await expect.poll(committed, WAIT).toBe(2n);
    await first.consumer.stop();
    await produce('c');
    const second = consume();
    await expect.poll(() => second.seen, WAIT).toEqual(['2:c']);
    await produce('d');
    await expect.poll(() => second.seen, WAIT).toEqual(['2:c', '3:d']);
    await second.consumer.stop();
    expect([...first.troubles, ...second.troubles]).toEqual([]);
  });

  it('begins where the log begins when the group is new to it', async () => {
    await produce('a', 'b', 'c');
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '1' }] });
    expect(await committed()).toBe(1n);
    const { consumer, seen } = consume();
    await expect.poll(() => seen, WAIT).toEqual(['1:b', '2:c']);
    await consumer.stop();
  });

  it('reads again what a member had in hand that died before its first commit', async () => {
    await produce('a', 'b');
    let inHand = false;
    const first = consume(async () => {
      inHand = true;
      throw new FicusError('mongo_unavailable', 'away', { retryable: true });
    });
    await expect.poll(() => inHand, WAIT).toBe(true);
    await first.consumer.stop();
    const second = consume();
    await expect.poll(() => second.seen, WAIT).toEqual(['0:a', '1:b']);
    await expect.poll(committed, WAIT).toBe(2n);
    await second.consumer.stop();
    expect(second.troubles).toEqual([]);
  });

  it('loses nothing while members come and go under load, and ends with all committed', async () => {
    const partitions = 6;
    topic = `${topic}-wide`;
    await ensureTopics(kafka, [{ topic, partitions }], { clock: systemClock });
    const handled = new Set<string>();
    const member = () => {
      let has = 0;
      const consumer = new LogConsumer(kafka, {
        group,
        topics: [topic],
        clock: systemClock,
        handle: async (records) => {
          await new Promise((resolve) => setImmediate(resolve));
          for (const { partition, offset } of records) handled.add(`${partition}/${offset}`);
        },
        trouble: () => undefined,
        fine: () => undefined,
        assigned: (of) => {
          has = of[topic]?.length ?? 0;
        },
      });
      consumer.start();
      return { has: () => has, stop: () => consumer.stop() };
    };
    const producer = kafka.producer();
    await producer.connect();
    const produceSome = async (count: number): Promise<void> => {
      const messages = Array.from({ length: count * partitions }, (_, index) => ({
        partition: index % partitions,
        value: 'x'.repeat(500),
      }));
      await producer.send({ topic, messages });
    };
    const members: ReturnType<typeof member>[] = [];
    /** Produces all the time, until each member has its share of the partitions. */
    const untilShared = async (): Promise<void> => {
      await expect
        .poll(async () => {
          await produceSome(100);
          return members.map(({ has }) => has());
        }, WAIT)
        .toEqual(members.map(() => partitions / members.length));
    };
    for (let count = 1; count <= 3; count++) {
      members.push(member());
      await untilShared();
    }
    await members.shift()?.stop();
    await untilShared();
    const ends = await progress.endOffsets([topic]);
    await expect.poll(async () => backlogOf(ends, await progress.committed(group, [topic])), WAIT).toBe(0n);
    await Promise.all(members.map((one) => one.stop()));
    await producer.disconnect();
    const produced = [...(ends.get(topic)?.values() ?? [])].reduce((sum, end) => sum + end, 0n);
    expect(BigInt(handled.size)).toBe(produced);
    expect(backlogOf(ends, await progress.committed(group, [topic]))).toBe(0n);
  });

  it('goes on with other partitions while one is stuck', async () => {
    topic = `${topic}-wide`;
    await ensureTopics(kafka, [{ topic, partitions: 2 }], { clock: systemClock });
    const producer = kafka.producer();
    await producer.connect();
    const send = (partition: number, ...values: string[]) =>
      producer.send({ topic, messages: values.map((value) => ({ partition, value })) });
    await send(0, 'stuck');
    const stuck: string[] = [];
    const { consumer, seen } = consume(async (records) => {
      if (records[0]?.partition !== 0) return;
      stuck.push(String(records[0].offset));
      throw new FicusError('mongo_unavailable', 'away', { retryable: true });
    });
    await expect.poll(() => stuck.length, WAIT).toBeGreaterThan(0);
    await send(1, 'a');
    await expect.poll(() => seen, WAIT).toEqual(['0:a']);
    await send(1, 'b');
    await expect.poll(() => seen, WAIT).toEqual(['0:a', '1:b']);
    await consumer.stop();
    await producer.disconnect();
    const offsets = (await progress.committed(group, [topic])).get(topic);
    expect([offsets?.get(0), offsets?.get(1)]).toEqual([0n, 2n]);
  });

  it('stops before a gap of records that expired unread, and stays so after a restart', async () => {
    await produce('a', 'b', 'c', 'd');
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '1' }] });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    for (let life = 0; life < 2; life++) {
      const { consumer, seen, troubles } = consume();
      await expect.poll(() => troubles.some(isLost), WAIT).toBe(true);
      await consumer.stop();
      expect(seen).toEqual([]);
      expect(await committed()).toBe(RESET);
    }
  });

  it('reads what is lost from where somebody has decided, if the log has that place', async () => {
    await produce('a', 'b', 'c', 'd');
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '1' }] });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    let decided: bigint | null = null;
    let asked = 0;
    let found = 0;
    const lost = {
      noted: async () => undefined,
      goesOn: async () => {
        asked += 1;
        return decided;
      },
      found: async () => {
        found += 1;
      },
    };
    const first = consume(undefined, { lost });
    await expect.poll(() => asked, WAIT).toBeGreaterThan(0);
    decided = 99n;
    const before = asked;
    await expect.poll(() => asked, WAIT).toBeGreaterThan(before);
    expect([found, first.seen, await committed()]).toEqual([0, [], RESET]);
    await produce('e', 'f');
    decided = 4n;
    await expect.poll(() => first.seen, WAIT).toEqual(['4:e', '5:f']);
    await expect.poll(committed, WAIT).toBe(6n);
    await first.consumer.stop();
    expect(found).toBeGreaterThan(0);
    await produce('g');
    const second = consume(undefined, { lost });
    await expect.poll(() => second.seen, WAIT).toEqual(['6:g']);
    await second.consumer.stop();
  });

  it('keeps a decision when the commit of the new place fails, and forgets the loss only after it', async () => {
    await produce('a', 'b', 'c', 'd');
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '1' }] });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '3' }] });
    const Offsets = createRequire(import.meta.url)('kafkajs/src/consumer/offsetManager/index.js');
    const real = Offsets.prototype.commitOffsets;
    let failed = 0;
    vi.spyOn(Offsets.prototype, 'commitOffsets').mockImplementation(async function (this: unknown, of) {
      const isPlace = JSON.stringify(of).includes('"offset":"3"');
      if (isPlace && failed++ === 0)
        throw Object.assign(new Error('the coordinator is away'), { type: 'COORDINATOR_NOT_AVAILABLE' });
      return await real.call(this, of);
    });
    let isNoted = false;
    const lost = {
      noted: async () => {
        isNoted = true;
      },
      goesOn: async () => (isNoted ? 3n : null),
      found: async () => {
        expect(await committed()).toBe(3n);
        isNoted = false;
      },
    };
    const { consumer, seen } = consume(undefined, { lost });
    await expect.poll(() => seen, WAIT).toEqual(['3:d']);
    await consumer.stop();
    vi.restoreAllMocks();
    expect([failed > 1, isNoted]).toEqual([true, false]);
  });

  it('leaves what is in hand of the old topic when its id could not be asked for at first', async () => {
    await produce('a');
    const ask = KafkaProgress.prototype.logIds;
    const other = 'f'.repeat(32);
    let says: 'real' | 'nothing' | 'other' = 'real';
    vi.spyOn(KafkaProgress.prototype, 'logIds').mockImplementation(async function (
      this: KafkaProgress,
      topics,
    ) {
      if (says === 'real') return await ask.call(this, topics);
      if (says === 'other') return new Map([[topic, other]]);
      says = 'other';
      throw new FicusError('kafka_unavailable', 'away', { retryable: true });
    });
    let now = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + now };
    let decided: bigint | null = null;
    const lost = { noted: async () => undefined, goesOn: async () => decided, found: async () => undefined };
    const { consumer, seen } = consume(undefined, { lost, clock });
    await expect.poll(committed, WAIT).toBe(1n);
    says = 'nothing';
    now = 60_000;
    await produce('b');
    await expect.poll(committed, WAIT).toBe(RESET);
    await produce('c');
    decided = 2n;
    await expect.poll(() => seen, WAIT).toEqual(['0:a', '2:c']);
    await consumer.stop();
    vi.restoreAllMocks();
    expect(begun.get(topic)).toBe(other);
  });

  it('takes no topic made anew for the old one, neither while it runs nor after a restart', async () => {
    await produce('a', 'b', 'c');
    const first = consume();
    await expect.poll(committed, WAIT).toBe(3n);
    await admin.deleteTopics({ topics: [topic] });
    await ensureTopics(kafka, [{ topic, partitions: 1 }], { clock: systemClock });
    await produce('new');
    await expect.poll(() => first.troubles.some(isLost), WAIT).toBe(true);
    await first.consumer.stop();
    expect(first.seen).toEqual(['0:a', '1:b', '2:c']);
    const second = consume();
    await expect.poll(() => second.troubles.some(isLost), WAIT).toBe(true);
    await second.consumer.stop();
    expect(second.seen).toEqual([]);
  });

  it('notices one that has as many records at once, and goes on in it once somebody has decided', async () => {
    await produce('a', 'b', 'c');
    let decided: bigint | null = null;
    const made: (string | null)[] = [];
    const lost = {
      noted: async () => undefined,
      goesOn: async (_of: object, log: string | null) => {
        made.push(log);
        return decided;
      },
      found: async () => undefined,
    };
    const first = consume(undefined, { lost });
    await expect.poll(committed, WAIT).toBe(3n);
    await admin.deleteTopics({ topics: [topic] });
    await ensureTopics(kafka, [{ topic, partitions: 1 }], { clock: systemClock });
    await produce('d', 'e', 'f', 'g');
    const isNoticed = async (): Promise<boolean> => {
      await produce('h');
      return first.troubles.some(isLost);
    };
    await expect.poll(isNoticed, WAIT).toBe(true);
    const id = (await progress.logIds([topic])).get(topic);
    await expect.poll(() => made.length, WAIT).toBeGreaterThan(0);
    expect([id, new Set(made)]).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), new Set([id])]);
    decided = 2n;
    await expect.poll(() => first.seen.includes('2:f'), WAIT).toBe(true);
    await expect.poll(() => begun.get(topic), WAIT).toBe(id);
    await first.consumer.stop();
    const second = consume(undefined, { lost });
    await produce('last');
    await expect.poll(() => second.seen.some((one) => one.endsWith(':last')), WAIT).toBe(true);
    expect(second.troubles.filter(isLost)).toEqual([]);
    await second.consumer.stop();
  });
});
