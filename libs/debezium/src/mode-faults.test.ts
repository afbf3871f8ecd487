import { describe, expect, it } from 'vitest';
import { connectorConfig } from './connector-config.ts';
import { modeFaults } from './mode-faults.ts';
import { FICUS_MODES, modesOf } from './wire-modes.ts';

const own = {
  topicPrefix: 'shop',
  tables: ['public.order'],
  excluded: [],
  keys: [],
  kind: 'postgres' as const,
  postgres: {
    slot: 'ficus_shop',
    publication: 'ficus_pub',
    database: { hostname: 'db', port: 5432, user: 'capture', password: 'secret', dbname: 'shop' },
  },
};
const exact = connectorConfig({ ...own, format: 'json', registry: null });
const JSON_CONVERTER = 'org.apache.kafka.connect.json.JsonConverter';
const APICURIO = 'io.apicurio.registry.utils.converter.AvroConverter';
const CONFLUENT = 'io.confluent.connect.avro.AvroConverter';

describe('modesOf', () => {
  it("has Debezium's defaults for what is left out", () => {
    expect(modesOf({})).toEqual({
      decimal: 'precise',
      time: 'adaptive',
      binary: 'bytes',
      interval: 'numeric',
      hstore: 'json',
      placeholder: '__debezium_unavailable_value',
    });
  });

  it('reads the connectors that Ficus makes as its own modes', () => {
    expect(modesOf(exact)).toEqual(FICUS_MODES);
  });

  it('takes either case, and names what does not exist', () => {
    expect(modesOf({ 'decimal.handling.mode': ' String' }).decimal).toBe('string');
    expect(() => modesOf({ 'time.precision.mode': 'exact' })).toThrow(
      'time.precision.mode of the connector is "exact"; legal are adaptive, adaptive_time_microseconds, connect',
    );
  });
});

interface Case {
  readonly what: string;
  /** On top of what Ficus sets; null takes a setting away. */
  readonly config: Readonly<Record<string, string | null>>;
  readonly refused?: RegExp;
  readonly warned?: RegExp;
}

const cases: readonly Case[] = [
  { what: 'what Ficus sets', config: {} },
  { what: 'schemas', config: { 'value.converter.schemas.enable': 'true' } },
  { what: 'decimals as doubles', config: { 'decimal.handling.mode': 'double' }, refused: /lose digits/ },
  {
    what: 'precise decimals without schemas',
    config: { 'decimal.handling.mode': null, 'key.converter.schemas.enable': 'true' },
    refused: /value\.converter\.schemas\.enable=false sends decimals without their scale/,
    warned: /NaN and the infinities as null/,
  },
  {
    what: 'precise decimals with schemas',
    config: {
      'decimal.handling.mode': 'precise',
      'key.converter.schemas.enable': null,
      'value.converter.schemas.enable': null,
    },
    warned: /NaN and the infinities as null/,
  },
  {
    what: 'milliseconds',
    config: { 'time.precision.mode': 'connect' },
    refused: /cuts times to milliseconds/,
  },
  { what: 'nanoseconds', config: { 'time.precision.mode': 'nanoseconds' }, refused: /1678 to 2261/ },
  { what: 'ISO texts', config: { 'time.precision.mode': 'isostring' }, warned: /24:00:00/ },
  { what: 'base64', config: { 'binary.handling.mode': 'base64' }, refused: /unchanged \(TOAST\) as null/ },
  {
    what: 'base64 of the other alphabet',
    config: { 'binary.handling.mode': 'base64-url-safe' },
    refused: /unchanged \(TOAST\) as null/,
  },
  { what: 'hexadecimal digits', config: { 'binary.handling.mode': 'hex' } },
  {
    what: 'a placeholder that is a bytea too',
    config: { 'binary.handling.mode': 'hex', 'unavailable.value.placeholder': 'dead' },
    refused: /unavailable\.value\.placeholder=dead/,
  },
  {
    what: 'nulls that become defaults in values',
    config: { 'value.converter.replace.null.with.default': null },
    refused: /^value\.converter sends NULL .* default/,
  },
  {
    what: 'nulls that become defaults in keys',
    config: { 'key.converter.replace.null.with.default': 'true' },
    refused: /^key\.converter sends NULL .* default/,
  },
  {
    what: 'a converter of its own, which inherits nothing of the worker',
    config: { 'value.converter': CONFLUENT, 'value.converter.replace.null.with.default': null },
    refused: /^value\.converter sends NULL .*ignore\.default\.for\.nullables/,
  },
  {
    what: "Apicurio's converter, whose defaults are doubted",
    config: { 'value.converter': APICURIO, 'value.converter.replace.null.with.default': null },
    warned: /taken for neither/,
  },
  {
    what: "Confluent's setting",
    config: {
      'value.converter': CONFLUENT,
      'value.converter.replace.null.with.default': null,
      'value.converter.ignore.default.for.nullables': 'true',
    },
  },
  {
    what: "the setting of another's converter",
    config: {
      'value.converter': JSON_CONVERTER,
      'value.converter.replace.null.with.default': null,
      'value.converter.ignore.default.for.nullables': 'true',
    },
    refused: /replace\.null\.with\.default to false/,
  },
  {
    what: "the worker's converter",
    config: { 'key.converter': null },
    warned: /key\.converter is the worker's/,
  },
  {
    what: 'changes left out',
    config: { 'skipped.operations': 't, d' },
    refused: /changes of rows/,
    warned: /truncates/,
  },
  { what: 'truncates left out', config: { 'skipped.operations': null }, warned: /truncates/ },
  {
    what: 'failures left out',
    config: { 'event.processing.failure.handling.mode': 'skip' },
    refused: /set it to fail/,
  },
  { what: 'records left out', config: { 'errors.tolerance': 'all' }, refused: /errors\.tolerance/ },
  { what: 'intervals as numbers', config: { 'interval.handling.mode': null }, warned: /months and days/ },
  {
    what: 'masked columns',
    config: { 'column.mask.with.5.chars': 'public.order.iban' },
    warned: /column\.mask/,
  },
];

describe('modeFaults', () => {
  it.each(cases)('$what', ({ config, refused, warned }) => {
    const given = Object.entries({ ...exact, ...config }).flatMap(([setting, value]) =>
      value === null ? [] : [[setting, value] as const],
    );
    const faults = modeFaults(Object.fromEntries(given));
    expect(faults.refused).toEqual(refused === undefined ? [] : [expect.stringMatching(refused)]);
    expect(faults.warned).toEqual(warned === undefined ? [] : [expect.stringMatching(warned)]);
  });

  it("finds nothing wrong with Ficus's own Db2 connectors", () => {
    const config = connectorConfig({
      ...own,
      format: 'json-schema',
      registry: null,
      kind: 'db2',
      postgres: null,
    });
    expect(modeFaults(config)).toEqual({ refused: [], warned: [] });
  });
});
