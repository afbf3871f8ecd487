import { describe, expect, it } from 'vitest';
import {
  type CaptureSettings,
  connectorConfig,
  connectorTopics,
  heartbeatTopic,
  notificationTopic,
} from './connector-config.ts';

const postgres: CaptureSettings = {
  kind: 'postgres',
  topicPrefix: 'shop',
  format: 'json',
  registry: null,
  tables: ['public.order', 'public.line', 'public.order'],
  excluded: [],
  keys: [],
  postgres: {
    slot: 'ficus_shop',
    publication: 'ficus_pub',
    database: { hostname: 'db', port: 5432, user: 'capture', password: 'secret', dbname: 'shop' },
  },
};
const db2: CaptureSettings = { ...postgres, kind: 'db2', postgres: null, tables: ['PLANT.ITEM'] };

describe('connectorConfig', () => {
  it('never uses a mode that loses information', () => {
    expect(connectorConfig(postgres)).toMatchObject({
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'adaptive',
      'binary.handling.mode': 'bytes',
      'key.converter.replace.null.with.default': 'false',
      'value.converter.replace.null.with.default': 'false',
      'tombstones.on.delete': 'true',
    });
  });

  it('joins tables by incremental snapshots only, and makes nothing in the source by itself', () => {
    expect(connectorConfig(postgres)).toMatchObject({
      'snapshot.mode': 'no_data',
      'signal.enabled.channels': 'source',
      'signal.data.collection': 'ficus.signal',
      'notification.sink.topic.name': notificationTopic('shop'),
      'publication.autocreate.mode': 'disabled',
      'slot.name': 'ficus_shop',
      'publication.name': 'ficus_pub',
    });
  });

  it('sleeps no longer before another try than Connect waits for a task to stop', () => {
    const GRACE_MS = 5_000;
    const config = connectorConfig(postgres);
    for (const wait of ['retriable.restart.connector.wait.ms', 'slot.retry.delay.ms'])
      expect(Number(config[wait]), wait).toBeLessThan(GRACE_MS);
  });

  it('names each table once, in one order, with its own control tables', () => {
    const list = 'public\\.line,public\\.order,ficus\\.heartbeat,ficus\\.signal';
    expect(connectorConfig(postgres)['table.include.list']).toBe(list);
    const reordered = { ...postgres, tables: [...postgres.tables].reverse() };
    expect(connectorConfig(reordered)).toEqual(connectorConfig(postgres));
  });

  it('leaves out the columns that the log does not have, and says nothing where there are none', () => {
    expect(connectorConfig(postgres)).not.toHaveProperty(['column.exclude.list']);
    const excluded = [
      { table: 'public.order', column: 'total' },
      { table: 'public.line', column: 'a.b' },
    ];
    expect(connectorConfig({ ...postgres, excluded })['column.exclude.list']).toBe(
      'public\\.line\\.a\\.b,public\\.order\\.total',
    );
  });

  it('takes a table for its name, not for a pattern', () => {
    const tables = ['public.a$b', 'public.c+(d)'];
    const [first = '', second = ''] =
      connectorConfig({ ...postgres, tables })['table.include.list']?.split(',') ?? [];
    expect(new RegExp(`^(${first})$`).test('public.a$b')).toBe(true);
    expect(new RegExp(`^(${second})$`).test('public.c+(d)')).toBe(true);
    expect(new RegExp(`^(${first})$`).test('publicxa$b')).toBe(false);
  });

  it('sets schemas on both sides or on none', () => {
    for (const [format, schemas] of [
      ['json', 'false'],
      ['json-schema', 'true'],
    ] as const) {
      const config = connectorConfig({ ...postgres, format });
      for (const side of ['key', 'value']) expect(config[`${side}.converter.schemas.enable`]).toBe(schemas);
    }
  });

  it.each([
    ['apicurio', 'apicurio.registry.url'],
    ['confluent', 'schema.registry.url'],
  ] as const)('writes Avro by the converter of %s, under names that Avro can spell', (converter, address) => {
    const registry = { converter, fromConnect: 'http://registry' };
    const config = connectorConfig({ ...postgres, format: 'avro', registry });
    for (const side of ['key', 'value']) {
      expect(config[`${side}.converter`]).toContain(converter);
      expect(config[`${side}.converter.${address}`]).toBe('http://registry');
      expect(config[`${side}.converter.schemas.enable`]).toBeUndefined();
    }
    expect(config).toMatchObject({
      'schema.name.adjustment.mode': 'avro',
      'field.name.adjustment.mode': 'avro',
    });
  });

  it('holds texts only, as Connect demands', () => {
    for (const settings of [postgres, db2])
      expect(Object.values(connectorConfig(settings)).every((value) => typeof value === 'string')).toBe(true);
  });

  it("uses Db2's own names", () => {
    const config = connectorConfig(db2);
    expect(config['connector.class']).toBe('io.debezium.connector.db2.Db2Connector');
    expect(config['signal.data.collection']).toBe('FICUS.SIGNAL');
    expect(config['slot.name']).toBeUndefined();
    expect(heartbeatTopic('db2', 'plant')).toBe('plant.FICUS.HEARTBEAT');
    expect(heartbeatTopic('postgres', 'shop')).toBe('shop.ficus.heartbeat');
  });

  it('writes to these topics, which somebody else must make', () => {
    expect(connectorTopics('db2', 'plant')).toEqual(
      expect.arrayContaining(['plant.FICUS.HEARTBEAT', 'plant.FICUS.SIGNAL', notificationTopic('plant')]),
    );
    expect(connectorTopics('postgres', 'shop')).toEqual(
      expect.arrayContaining(['shop.ficus.heartbeat', 'shop.ficus.signal', notificationTopic('shop')]),
    );
  });

  it('refuses a PostgreSQL system without its settings', () => {
    expect(() => connectorConfig({ ...postgres, postgres: null })).toThrow(/broken assumption/);
  });
});
