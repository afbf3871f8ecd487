import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressOf } from '#testing/address';
import { openRedis } from './redis.ts';
import { BullVerificationQueue } from './verification-queue.ts';
import { BullVerificationWorker, type VerificationOrder } from './verification-worker.ts';

const realTime = {
  now: () => Date.now(),
  sleep: (ms: number, signal?: AbortSignal) =>
    pause(ms, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
};

let redis: Redis;
let prefix: string;
let queue: BullVerificationQueue;
const opened: { stop(): Promise<void> }[] = [];

beforeEach(() => {
  redis = openRedis(addressOf('TEST_REDIS_URL'), () => undefined);
  prefix = `test-${randomUUID()}`;
  queue = new BullVerificationQueue({ redis, clock: realTime, newId: randomUUID, prefix });
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.stop()));
  await queue.close();
  const keys = await redis.keys(`${prefix}:*`);
  if (keys.length > 0) await redis.del(keys);
  redis.disconnect();
});

function work(handle: (order: VerificationOrder) => Promise<void>, heard: Error[] = []): void {
  const worker = new BullVerificationWorker({ redis, handle, prefix, trouble: (error) => heard.push(error) });
  opened.push(worker);
  worker.start();
}

/** Collects orders; `next` waits for one. */
function collector() {
  const orders: VerificationOrder[] = [];
  let wake = (): void => undefined;
  return {
    orders,
    take: async (order: VerificationOrder) => {
      orders.push(order);
      wake();
    },
    next: async (count: number) => {
      while (orders.length < count) await new Promise<void>((resolve) => (wake = resolve));
      return orders;
    },
  };
}

describe('the queue of verifications', () => {
  it('hands a request to a worker under the id that it answered', async () => {
    const seen = collector();
    work(seen.take);
    const id = await queue.request('orders', 'ann');
    const [order] = await seen.next(1);
    expect(order).toMatchObject({ id, unit: 'orders', requestedBy: 'ann' });
    expect(Date.parse(order?.requestedAt ?? '')).toBeGreaterThan(Date.now() - 60_000);
  });

  it('joins requests of a unit that is waiting or running, and takes new ones afterwards', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const seen = collector();
    work(async (order) => {
      await seen.take(order);
      await held;
    });
    const first = await queue.request('orders', 'ann');
    await seen.next(1);
    expect(await queue.request('orders', 'bob')).toBe(first);
    expect(await queue.request('invoices', 'bob')).not.toBe(first);
    await seen.next(2);
    release();
    await expect.poll(() => queue.request('orders', 'cid'), { timeout: 5_000 }).not.toBe(first);
    await seen.next(3);
  });

  it('takes a run back after its job failed', async () => {
    const heard: Error[] = [];
    const seen = collector();
    let fails = 1;
    work(async (order) => {
      await seen.take(order);
      if (fails-- > 0) throw new Error('stopped');
    }, heard);
    const id = await queue.request('orders', 'ann');
    await expect.poll(() => heard.map((error) => error.message), { timeout: 5_000 }).toEqual(['stopped']);
    const run = { id, unit: 'orders', requestedBy: 'ann' };
    await expect
      .poll(
        async () => {
          // Once it has run again, it may be queued anew.
          if (seen.orders.length < 2) await queue.ensure(run);
          return seen.orders.map((order) => order.id);
        },
        { timeout: 5_000 },
      )
      .toEqual([id, id]);
  });

  it('makes the schedules of the plans the only ones', async () => {
    const everySecond = '* * * * * *';
    await queue.schedule([
      { unit: 'gone', cron: '0 3 * * *' },
      { unit: 'orders', cron: '0 3 * * *' },
    ]);
    await queue.schedule([
      { unit: 'orders', cron: everySecond },
      { unit: 'invoices', cron: null },
    ]);
    const seen = collector();
    work(seen.take);
    const [first, second] = await seen.next(2);
    expect([first?.unit, second?.unit]).toEqual(['orders', 'orders']);
    expect(first?.requestedBy).toBe('schedule');
    expect(first?.id).not.toBe(second?.id);
    await queue.schedule([]);
    const scheduled = await redis.zcard(`${prefix}:ficus-verifications:repeat`);
    expect(scheduled).toBe(0);
  });

  it('names a Redis that is away within seconds, and lets the process live', async () => {
    const heard: (Error | null)[] = [];
    const away = openRedis('redis://127.0.0.1:1', (trouble) => heard.push(trouble));
    const orphan = new BullVerificationQueue({ redis: away, clock: realTime, newId: randomUUID });
    await expect(orphan.request('orders', 'ann')).rejects.toMatchObject({
      code: 'redis_unavailable',
      retryable: true,
    });
    expect(heard[0]?.message).toMatch(/ECONNREFUSED/);
    away.disconnect();
  });
});
