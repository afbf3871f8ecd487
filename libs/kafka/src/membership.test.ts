import { describe, expect, it } from 'vitest';
import type { LogRecord } from '#debezium/log-record';
import { StepClock } from '#testing/step-clock';
import type { Place } from './commits.ts';
import { Membership, type MembershipOptions } from './membership.ts';

const TOPIC = 'orders';
const ORDERS = { topic: TOPIC, partition: 0 };
const MIB = 1024 * 1024;

function records(partition: number, from: number, count: number, bytes = 1): LogRecord[] {
  return Array.from({ length: count }, (_, index) => ({
    topic: TOPIC,
    partition,
    offset: BigInt(from + index),
    key: null,
    value: Buffer.alloc(bytes),
  }));
}

/** A membership whose handler and commits go on when the test says so. */
class Rig {
  readonly clock = new StepClock();
  /** `partition:first-last` of what was handed over. */
  readonly handled: string[] = [];
  readonly paused = new Set<number>();
  readonly troubles: unknown[] = [];
  readonly committed: string[] = [];
  readonly remembered: string[] = [];
  fineCount = 0;
  /** Thrown by the next handling or commit, once. */
  fault: unknown = null;
  commitFault: unknown = null;
  readonly #open: (() => void)[] = [];
  readonly sut: Membership;

  constructor(given: Partial<MembershipOptions> = {}) {
    this.sut = new Membership({
      clock: this.clock,
      after: Promise.resolve(),
      handle: async (batch) => {
        this.handled.push(`${batch[0]?.partition}:${batch[0]?.offset}-${batch.at(-1)?.offset}`);
        await new Promise<void>((resolve) => this.#open.push(resolve));
        const { fault } = this;
        this.fault = null;
        if (fault !== null) throw fault;
      },
      commit: async (places) => {
        const fault = this.commitFault;
        this.commitFault = null;
        if (fault !== null) throw fault;
        this.committed.push(...places.map(text));
      },
      committed: async (places) => {
        this.remembered.push(...places.map(text));
      },
      pause: ({ partition }) => this.paused.add(partition),
      resume: ({ partition }) => this.paused.delete(partition),
      trouble: (error) => this.troubles.push(error),
      fine: () => {
        this.fineCount += 1;
      },
      ...given,
    });
  }

  offer(partition: number, from: number, count: number, bytes?: number): void {
    const place = { topic: TOPIC, partition, offset: BigInt(from + count) };
    this.sut.offer(place, records(partition, from, count, bytes));
  }

  /** Lets the oldest handling that is waiting finish. */
  async letThrough(): Promise<void> {
    await expect.poll(() => this.#open.length).toBeGreaterThan(0);
    this.#open.shift()?.();
  }

  /** Turns the clock once somebody sleeps. */
  async turn(): Promise<void> {
    await expect.poll(() => this.clock.sleepers).toBeGreaterThan(0);
    this.clock.advance(10_000);
  }
}

const text = ({ partition, offset }: Place): string => `${partition}@${offset}`;

describe('Membership', () => {
  it('hands the records of a partition over in order, and partitions beside each other', async () => {
    const rig = new Rig();
    rig.offer(0, 0, 2);
    rig.offer(1, 5, 1);
    await expect.poll(() => rig.handled).toEqual(['0:0-1', '1:5-5']);
    rig.offer(0, 2, 1);
    rig.offer(0, 3, 1);
    await rig.letThrough();
    await expect.poll(() => rig.handled).toEqual(['0:0-1', '1:5-5', '0:2-3']);
    expect(rig.sut.expected(ORDERS)).toBe(4n);
    expect(rig.sut.expected({ ...ORDERS, partition: 2 })).toBeNull();
  });

  it('hands over a thousand at most', async () => {
    const rig = new Rig();
    rig.offer(0, 0, 1_500);
    await rig.letThrough();
    await expect.poll(() => rig.handled).toEqual(['0:0-999', '0:1000-1499']);
  });

  it('commits what is done, and what was done meanwhile with it, and remembers it after that', async () => {
    const rig = new Rig();
    rig.offer(0, 0, 1_500);
    rig.offer(1, 7, 1);
    for (let open = 0; open < 3; open++) await rig.letThrough();
    expect(rig.committed).toEqual([]);
    await rig.turn();
    await expect.poll(() => rig.remembered).toEqual(['0@1500', '1@8']);
    expect(rig.committed).toEqual(['0@1500', '1@8']);
  });

  it('commits again what could not be committed, the newest of each partition', async () => {
    const rig = new Rig();
    rig.commitFault = new Error('the coordinator is away');
    rig.offer(0, 0, 1);
    await rig.letThrough();
    await rig.turn();
    await expect.poll(() => rig.troubles.length).toBe(1);
    expect(rig.remembered).toEqual([]);
    rig.offer(0, 1, 1);
    await rig.letThrough();
    await rig.turn();
    await rig.turn();
    await expect.poll(() => rig.committed).toEqual(['0@2']);
    await expect.poll(() => rig.fineCount).toBe(1);
  });

  it('repeats what failed, and commits nothing of it before', async () => {
    const rig = new Rig();
    rig.fault = new Error('MongoDB is away');
    rig.offer(0, 0, 3);
    await rig.letThrough();
    await rig.turn();
    await rig.letThrough();
    await rig.turn();
    await expect.poll(() => rig.committed).toEqual(['0@3']);
    expect(rig.handled).toEqual(['0:0-2', '0:0-2']);
    expect([rig.troubles.length, rig.fineCount]).toEqual([1, 1]);
  });

  it('pauses a partition that has much in hand, until half of it is done; the others go on', async () => {
    const rig = new Rig();
    rig.offer(1, 0, 1);
    for (let from = 0; from < 4_000; from += 1_000) rig.offer(0, from, 1_000, MIB / 1_000 + 100);
    expect([...rig.paused]).toEqual([0]);
    await rig.letThrough();
    for (let done = 1; done <= 2; done++) {
      expect([...rig.paused]).toEqual([0]);
      await rig.letThrough();
    }
    await rig.letThrough();
    await expect.poll(() => [...rig.paused]).toEqual([]);
  });

  it('takes no more than a bound of all partitions together', async () => {
    const rig = new Rig();
    for (let partition = 0; partition < 26; partition++) rig.offer(partition, 0, 1, MIB);
    expect(rig.paused.size).toBe(26);
    for (let done = 0; done < 2; done++) await rig.letThrough();
    await expect.poll(() => rig.clock.sleepers).toBeGreaterThan(0);
    expect(rig.paused.size).toBe(26);
    await rig.letThrough();
    await expect.poll(() => [...rig.paused]).toEqual([]);
  });

  it('waits for what the one before has in hand', async () => {
    let finish = (): void => undefined;
    const after = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const rig = new Rig({ after });
    rig.offer(0, 0, 1);
    await Promise.resolve();
    expect(rig.handled).toEqual([]);
    finish();
    await expect.poll(() => rig.handled).toEqual(['0:0-0']);
  });

  describe('at its end', () => {
    it('finishes what is being handled, leaves the rest, and commits when it is stopped', async () => {
      const rig = new Rig();
      rig.offer(0, 0, 1_500);
      await expect.poll(() => rig.handled.length).toBe(1);
      const ended = rig.sut.end({ commits: true });
      await rig.letThrough();
      await ended;
      expect(rig.handled).toEqual(['0:0-999']);
      expect(rig.committed).toEqual(['0@1000']);
    });

    it('commits nothing when its partitions may be in other hands', async () => {
      const rig = new Rig();
      rig.offer(0, 0, 1);
      rig.offer(1, 0, 1);
      await rig.letThrough();
      await expect.poll(() => rig.clock.sleepers).toBeGreaterThan(0);
      const ended = rig.sut.end({ commits: false });
      await rig.letThrough();
      await ended;
      expect([rig.committed, rig.remembered]).toEqual([[], []]);
    });

    it('repeats no more what fails', async () => {
      const rig = new Rig();
      rig.fault = new Error('MongoDB is away');
      rig.offer(0, 0, 1);
      await expect.poll(() => rig.handled.length).toBe(1);
      const ended = rig.sut.end({ commits: true });
      await rig.letThrough();
      await ended;
      expect([rig.handled, rig.committed]).toEqual([['0:0-0'], []]);
    });
  });

  it('has a lost log marked once nothing of it can be committed any more, and again if that failed', async () => {
    const rig = new Rig();
    const marks: string[] = [];
    rig.offer(0, 0, 1);
    rig.sut.lose(ORDERS);
    const marked = rig.sut.markLost(ORDERS, async () => {
      marks.push('failed');
      throw new Error('the coordinator is away');
    });
    await Promise.resolve();
    expect(marks).toEqual([]);
    await rig.letThrough();
    await expect(marked).rejects.toThrow('away');
    expect(rig.sut.isLost(ORDERS)).toBe(true);
    await rig.sut.markLost(ORDERS, async () => void marks.push('marked'));
    await rig.sut.markLost(ORDERS, async () => void marks.push('again'));
    expect(marks).toEqual(['failed', 'marked']);
    await rig.turn();
    expect(rig.committed).toEqual([]);
    expect(rig.sut.expected(ORDERS)).toBeNull();
    rig.sut.find(ORDERS);
    expect(rig.sut.isLost(ORDERS)).toBe(false);
  });

  it('doubts a place once', () => {
    const { sut } = new Rig();
    const place = { ...ORDERS, offset: 5n };
    expect([sut.isNewDoubt(place), sut.isNewDoubt(place), sut.isNewDoubt({ ...place, offset: 6n })]).toEqual([
      true,
      false,
      true,
    ]);
  });

  it('is not over before the one that it followed', async () => {
    let finish = (): void => undefined;
    const rig = new Rig({
      after: new Promise((resolve) => {
        finish = resolve;
      }),
    });
    let isOver = false;
    const ended = rig.sut.end({ commits: false }).then(() => {
      isOver = true;
    });
    await new Promise((resolve) => setImmediate(resolve));
    expect(isOver).toBe(false);
    finish();
    await ended;
  });
});
