import { Redis } from 'ioredis';

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 2_000;

/**
 * A connection that comes back by itself, for ever. Commands wait for it, as BullMQ's workers need; who cannot wait
 * sets a deadline. `heard` is told of every trouble and of every recovery (null).
 */
export function openRedis(url: string, heard: (trouble: Error | null) => void): Redis {
  const redis = new Redis(url, {
    maxRetriesPerRequest: null,
    retryStrategy: (times) => Math.min(FIRST_PAUSE_MS * 2 ** Math.min(times, 10), MAX_PAUSE_MS),
  });
  redis.on('error', heard);
  redis.on('ready', () => heard(null));
  return redis;
}
