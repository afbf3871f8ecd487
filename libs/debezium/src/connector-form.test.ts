import { describe, expect, it } from 'vitest';
import type { ConnectorConfig } from './connect-client.ts';
import { formFaults, recordForm } from './connector-form.ts';
import { PLAIN_FORM } from './decoder.ts';
import { valueDecoder } from './value.ts';

const POSTGRES: ConnectorConfig = { 'connector.class': 'io.debezium.connector.postgresql.PostgresConnector' };
const FLAT: ConnectorConfig = {
  ...POSTGRES,
  transforms: 'route, flat',
  'transforms.route.type': 'org.apache.kafka.connect.transforms.RegexRouter',
  'transforms.flat.type': 'io.debezium.transforms.ExtractNewRecordState',
  'transforms.flat.delete.tombstone.handling.mode': 'rewrite',
  'transforms.flat.replace.null.with.default': 'false',
  'transforms.flat.add.fields': 'op, lsn,source.ts_ms, source.txId',
};

describe('recordForm', () => {
  it('is plain where nothing is changed', () => {
    expect({ ...recordForm(POSTGRES), modes: PLAIN_FORM.modes }).toEqual(PLAIN_FORM);
  });

  it("decodes values by the connector's modes", () => {
    const { modes } = recordForm({ ...POSTGRES, 'time.precision.mode': 'microseconds' });
    const decodeValue = valueDecoder(modes);
    const second = { value: 1_000_000, schema: null };
    expect(decodeValue({ kind: 'timestamp', precision: 0 }, second)).toBe('1970-01-01T00:00:01');
    expect(() => recordForm({ ...POSTGRES, 'binary.handling.mode': 'octets' })).toThrow(/legal are bytes/);
  });

  it('knows what the flattening adds, under which names', () => {
    const { flat } = recordForm({ ...FLAT, 'transforms.flat.add.headers': 'op:what,table' });
    expect(flat).toEqual({
      connector: 'postgres',
      fields: { op: '__op', lsn: '__lsn', 'source.ts_ms': '__source_ts_ms' },
      headers: { op: '__what', table: '__table' },
      added: new Set(['__op', '__lsn', '__source_ts_ms', '__source_txId', '__deleted']),
      tombstones: 'ignored',
    });
  });

  it('knows a converter that cannot send NULL where there is a default', () => {
    const config = { ...POSTGRES, 'value.converter': 'io.apicurio.registry.utils.converter.AvroConverter' };
    expect(recordForm(config).nullsReplaced).toBe(true);
  });
});

describe('formFaults', () => {
  it.each([
    ['whole change events', POSTGRES],
    ['flattened rows with all that is needed', FLAT],
    ['names for Avro', { ...POSTGRES, 'field.name.adjustment.mode': 'avro' }],
  ])('finds none: %s', (_what, config) => {
    expect(formFaults(config)).toEqual([]);
  });

  it.each<[string, ConnectorConfig, RegExp]>([
    [
      'no operation',
      { 'transforms.flat.add.fields': 'lsn,source.ts_ms' },
      /without op, .*add op to transforms\.flat\.add\.fields/,
    ],
    ['no position', { 'transforms.flat.add.fields': 'op,source.ts_ms' }, /without lsn/],
    [
      "no position of Db2's",
      { 'connector.class': 'io.debezium.connector.db2.Db2Connector' },
      /without commit_lsn, change_lsn/,
    ],
    [
      'the time of processing for that of the commit',
      { 'transforms.flat.add.fields': 'op,lsn,ts_ms' },
      /without source\.ts_ms/,
    ],
    [
      'no deletes',
      { 'transforms.flat.delete.tombstone.handling.mode': 'drop' },
      /deletes do not come at all/,
    ],
    [
      'NULL replaced',
      { 'transforms.flat.replace.null.with.default': 'true' },
      /comes as the default; set it to false/,
    ],
    ['some rows only', { 'transforms.flat.predicate': 'p' }, /flat\.predicate is set/],
    [
      'names in another way',
      { 'field.name.adjustment.mode': 'avro_unicode' },
      /avro_unicode; legal are none and avro/,
    ],
    [
      'an unknown transform',
      { 'transforms.route.type': 'com.example.Shuffle' },
      /route\.type is com\.example\.Shuffle/,
    ],
    [
      'two flattenings',
      { 'transforms.route.type': 'io.debezium.transforms.ExtractNewRecordState' },
      /flattens 2 times/,
    ],
  ])('refuses %s', (_what, changes, says) => {
    expect(formFaults({ ...FLAT, ...changes })).toEqual([expect.stringMatching(says)]);
  });

  it('refuses the deletes that Debezium before 2.5 dropped', () => {
    const { 'transforms.flat.delete.tombstone.handling.mode': _, ...rest } = FLAT;
    const old = {
      ...rest,
      'transforms.flat.delete.handling.mode': 'drop',
      'transforms.flat.drop.tombstones': 'true',
    };
    expect(formFaults(old)).toEqual([expect.stringMatching(/flat\.delete\.handling\.mode is drop/)]);
  });
});
