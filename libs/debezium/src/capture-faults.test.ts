import { describe, expect, it } from 'vitest';
import { captureFaults, tableFaults } from './capture-faults.ts';
import type { ConnectorConfig } from './connect-client.ts';
import { connectorConfig } from './connector-config.ts';

const OWN = connectorConfig({
  kind: 'postgres',
  topicPrefix: 'shop',
  format: 'json',
  registry: null,
  tables: ['public.order'],
  excluded: [],
  keys: [],
  postgres: {
    slot: 's',
    publication: 'p',
    database: { hostname: 'db', port: 5432, user: 'u', password: 'p', dbname: 'd' },
  },
});
const SHOP = { kind: 'postgres', topicPrefix: 'shop', hasRegistry: false } as const;
const AVRO = 'io.apicurio.registry.utils.converter.AvroConverter';

describe('captureFaults', () => {
  it("finds none in a configuration of Ficus's own", () => {
    expect(captureFaults(OWN, SHOP)).toEqual([]);
  });

  it.each<[string, ConnectorConfig, RegExp]>([
    [
      'another database',
      { 'connector.class': 'io.debezium.connector.mysql.MySqlConnector' },
      /connector\.class is .*MySql/,
    ],
    ['another prefix', { 'topic.prefix': 'other' }, /topic\.prefix is other; it has to be shop/],
    ['signals elsewhere', { 'signal.data.collection': 'public.s' }, /it has to be ficus\.signal/],
    ['no signals', { 'signal.enabled.channels': 'kafka' }, /signal\.enabled\.channels lacks source/],
    [
      'no notifications',
      { 'notification.enabled.channels': 'log' },
      /notification\.enabled\.channels lacks sink/,
    ],
    ['no heartbeat', { 'heartbeat.interval.ms': '0' }, /lag cannot be known/],
    [
      'a heartbeat elsewhere',
      { 'heartbeat.action.query': 'UPDATE public.hb SET at = now()' },
      /ficus\.heartbeat/,
    ],
    [
      'Avro without a registry',
      { 'value.converter': AVRO, 'value.converter.apicurio.registry.as-confluent': 'true' },
      /capture\.registry/,
    ],
    [
      'another format',
      { 'key.converter': 'org.apache.kafka.connect.storage.StringConverter' },
      /key\.converter is .*StringConverter/,
    ],
    ["what the record's form demands", { 'field.name.adjustment.mode': 'avro_unicode' }, /avro_unicode/],
    [
      "Ficus's own tables left out",
      { 'table.exclude.list': 'ficus\\.signal' },
      /table\.exclude\.list leaves out ficus\.signal/,
    ],
  ])('refuses %s', (_what, changes, says) => {
    expect(captureFaults({ ...OWN, ...changes }, SHOP)).toEqual([expect.stringMatching(says)]);
  });

  it('wants the ids of Avro in front of the datum', () => {
    const config = {
      ...OWN,
      'value.converter': AVRO,
      'value.converter.apicurio.registry.headers.enabled': 'true',
    };
    expect(captureFaults(config, { ...SHOP, hasRegistry: true })).toEqual([
      expect.stringMatching(/as-confluent is not set; it has to be true/),
      expect.stringMatching(/headers\.enabled/),
    ]);
  });
});

describe('tableFaults', () => {
  it.each<[string, ConnectorConfig, readonly string[]]>([
    ['no lists', {}, []],
    ['a pattern', { 'table.include.list': 'public\\..*,x' }, []],
    ['a name in another case', { 'table.include.list': 'PUBLIC.ORDER' }, []],
    ['a name that only begins so', { 'table.include.list': 'public.orders' }, ['table.include.list']],
    ['an excluded table', { 'table.exclude.list': 'public\\.or.*' }, ['table.exclude.list']],
    ['another schema', { 'schema.include.list': 'sales' }, ['schema.include.list']],
    ['an excluded schema', { 'schema.exclude.list': 'pub.*' }, ['schema.exclude.list']],
    ['what is no pattern', { 'table.include.list': '(' }, ['table.include.list']],
  ])('judges %s', (_what, config, settings) => {
    expect(tableFaults(config, ['public.order'])).toEqual(
      settings.map((setting) => `${setting} leaves out public.order, which Ficus needs`),
    );
  });
});
