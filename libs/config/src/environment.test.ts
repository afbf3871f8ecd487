import { describe, expect, it } from 'vitest';
import { readEnvironment } from './environment.ts';

const GOOD = {
  FICUS_MONGO_URL: 'mongodb://u:secret@db:27017/?replicaSet=rs0',
  FICUS_KAFKA_BROKERS: 'a:9092,b:9092',
  FICUS_REDIS_URL: 'redis://cache:6379',
  FICUS_SYSTEMS: 'systems.yaml',
  FICUS_DIGEST_KEY: '0123456789abcdef',
};

describe('the environment', () => {
  it('is read with its defaults', () => {
    expect(readEnvironment('facade', GOOD)).toMatchObject({
      mongoDatabase: 'estate',
      kafkaBrokers: ['a:9092', 'b:9092'],
      httpHost: '127.0.0.1',
      httpPort: 0,
      logLevel: 'info',
    });
    expect(readEnvironment('facade', { ...GOOD, FICUS_HTTP_PORT: '65535' }).httpPort).toBe(65_535);
  });

  it.each<[string, string, RegExp]>([
    ['FICUS_HTTP_PORT', 'abc', /FICUS_HTTP_PORT is "abc": legal is a whole number from 0/],
    ['FICUS_HTTP_PORT', '65536', /FICUS_HTTP_PORT is "65536": legal is/],
    ['FICUS_HTTP_PORT', '8e3', /FICUS_HTTP_PORT is "8e3": legal is/],
    ['FICUS_HTTP_PORT', '', /FICUS_HTTP_PORT is "": legal is/],
    ['FICUS_MONGO_DATABASE', 'a b', /FICUS_MONGO_DATABASE is "a b": legal is up to 63/],
    ['FICUS_MONGO_DATABASE', 'ficus', /FICUS_MONGO_DATABASE is "ficus": legal is/],
    ['FICUS_MONGO_URL', 'mongodb://', /FICUS_MONGO_URL is set to something else: legal is a mongodb:/],
    ['FICUS_REDIS_URL', 'redis://', /FICUS_REDIS_URL is set to something else: legal is a redis:/],
    ['FICUS_APPLY_THREADS', '17', /FICUS_APPLY_THREADS is "17": legal is a whole number from 0 to 16/],
    ['FICUS_LOG_LEVEL', 'loud', /FICUS_LOG_LEVEL is "loud": legal is one of "trace"/],
    ['FICUS_DIGEST_KEY', 'short', /FICUS_DIGEST_KEY is set to something else: legal is at least 16/],
  ])('refuses %s=%s, and says what is legal', (name, value, says) => {
    expect(() => readEnvironment('facade', { ...GOOD, [name]: value })).toThrow(says);
  });

  it('names all that is wrong at once, and no secret', () => {
    const wrong = { FICUS_MONGO_URL: 'postgres://u:secret@db', FICUS_HTTP_PORT: '-1' };
    const names = ['FICUS_MONGO_URL', 'FICUS_KAFKA_BROKERS is not set: it must be set', 'FICUS_HTTP_PORT'];
    for (const name of names) expect(() => readEnvironment('facade', wrong)).toThrow(name);
    expect(() => readEnvironment('facade', wrong)).not.toThrow('secret');
  });
});
