import type { ConnectorConfig } from './connect-client.ts';
import type { RecordForm } from './decoder.ts';
import { DELETED, type FlatForm, METADATA, type Metadata, type Places } from './flat.ts';
import { modesOf } from './wire-modes.ts';

const FLATTENING = 'io.debezium.transforms.ExtractNewRecordState';

/** Transforms that leave key, value and the order of records as they are. */
const HARMLESS = [
  'io.debezium.transforms.SchemaChangeEventFilter',
  'org.apache.kafka.connect.transforms.InsertHeader',
  'org.apache.kafka.connect.transforms.RegexRouter',
];

export const APICURIO = 'io.apicurio.registry.utils.converter.AvroConverter';

/**
 * How records come by this configuration. `formFaults` says whether they can be read at all.
 * @throws FicusError `setting_invalid` for a mode of Debezium's that does not exist.
 */
export function recordForm(config: ConnectorConfig): RecordForm {
  const flattening = transformsOf(config).find(({ type }) => type === FLATTENING);
  return {
    adjustedNames: (config['field.name.adjustment.mode'] ?? 'none') !== 'none',
    nullsReplaced: config['value.converter'] === APICURIO,
    flat: flattening === undefined ? null : flatForm(config, flattening),
    modes: modesOf(config),
  };
}

/** Why records of this configuration cannot be read, or could not be put in order; a sentence each. */
export function formFaults(config: ConnectorConfig): readonly string[] {
  const transforms = transformsOf(config);
  const flattenings = transforms.filter(({ type }) => type === FLATTENING);
  const names = config['field.name.adjustment.mode'] ?? 'none';
  return [
    ...transforms
      .filter(({ type }) => type !== FLATTENING && !HARMLESS.includes(type))
      .map(
        ({ name, type }) =>
          `transforms.${name}.type is ${type}, and what that does to a record is not known; legal are ${[FLATTENING, ...HARMLESS].join(', ')}`,
      ),
    ...(flattenings.length > 1
      ? [`transforms flattens ${flattenings.length} times; once is legal`]
      : flattenings.flatMap((flattening) => flatFaults(config, flattening))),
    ...(['none', 'avro'].includes(names)
      ? []
      : [`field.name.adjustment.mode is ${names}; legal are none and avro`]),
  ];
}

interface Transform {
  readonly name: string;
  readonly type: string;
}

function transformsOf(config: ConnectorConfig): readonly Transform[] {
  return listed(config['transforms']).map((name) => ({
    name,
    type: config[`transforms.${name}.type`] ?? '',
  }));
}

/** Source: Debezium documentation, "New Record State Extraction". */
function flatForm(config: ConnectorConfig, { name }: Transform): FlatForm {
  const setting = (of: string): string | undefined => config[`transforms.${name}.${of}`];
  const added = addedBy(setting('add.fields'), setting('add.fields.prefix'));
  return {
    connector: kindOf(config),
    fields: placesOf(added),
    headers: placesOf(addedBy(setting('add.headers'), setting('add.headers.prefix'))),
    added: new Set([...added.values(), DELETED]),
    tombstones: deletesOf(config, name).tombstones,
  };
}

function kindOf(config: ConnectorConfig): 'postgres' | 'db2' {
  return /db2/i.test(config['connector.class'] ?? '') ? 'db2' : 'postgres';
}

/** By what is taken of the envelope, the name it gets: `op,source.ts_ms,lsn:at` with `__` is __op, __source_ts_ms, __at. */
function addedBy(setting: string | undefined, prefix = '__'): ReadonlyMap<string, string> {
  return new Map(
    listed(setting).map((one): [string, string] => {
      const [taken = '', as = taken.replace('.', '_')] = one.split(':');
      return [taken, prefix + as];
    }),
  );
}

/** What is named without its struct is of `source`, but for `op` and the times. */
function placesOf(added: ReadonlyMap<string, string>): Places {
  const places: Partial<Record<Metadata, string>> = {};
  for (const one of METADATA) {
    const place = added.get(one) ?? added.get(`source.${one}`);
    if (place !== undefined) places[one] = place;
  }
  return places;
}

type Deletes =
  | { readonly kind: 'kept'; readonly tombstones: 'delete' | 'ignored' }
  | { readonly kind: 'dropped'; readonly tombstones: 'ignored'; readonly setting: string };

/**
 * How deletes come. Before Debezium 2.5 two settings said it, and 3 does not know them any more; whichever runs, a
 * record without a value then is a delete: one that follows a delete which came as a row changes nothing.
 */
function deletesOf(config: ConnectorConfig, transform: string): Deletes {
  const at = `transforms.${transform}`;
  const handling = config[`${at}.delete.tombstone.handling.mode`];
  switch (handling) {
    case 'drop':
      return { kind: 'dropped', tombstones: 'ignored', setting: `${at}.delete.tombstone.handling.mode` };
    case 'rewrite':
    case 'rewrite-with-tombstone':
      return { kind: 'kept', tombstones: 'ignored' };
    case undefined: {
      const old = `${at}.delete.handling.mode`;
      return config[old] === 'drop' && config[`${at}.drop.tombstones`] === 'true'
        ? { kind: 'dropped', tombstones: 'ignored', setting: old }
        : { kind: 'kept', tombstones: 'delete' };
    }
    default:
      return { kind: 'kept', tombstones: 'delete' };
  }
}

function flatFaults(config: ConnectorConfig, flattening: Transform): readonly string[] {
  const at = `transforms.${flattening.name}`;
  const form = flatForm(config, flattening);
  const deletes = deletesOf(config, flattening.name);
  const has = (one: Metadata): boolean => form.fields[one] !== undefined || form.headers[one] !== undefined;
  const needed: readonly Metadata[] = [
    'op',
    ...(form.connector === 'postgres' ? (['lsn'] as const) : (['commit_lsn', 'change_lsn'] as const)),
    'source.ts_ms',
  ];
  const missing = needed.filter((one) => !has(one));
  const isRewritten = deletes.kind === 'kept' && deletes.tombstones === 'ignored';
  return [
    ...(missing.length === 0
      ? []
      : [
          `records are flattened without ${missing.join(', ')}, so their changes could not be put in order; ` +
            `add ${missing.join(',')} to ${at}.add.fields`,
        ]),
    ...(deletes.kind === 'dropped'
      ? [
          `${deletes.setting} is drop, so deletes do not come at all; set ${at}.delete.tombstone.handling.mode to rewrite`,
        ]
      : []),
    ...(isRewritten && (config[`${at}.replace.null.with.default`] ?? 'true') !== 'false'
      ? [
          `${at}.replace.null.with.default is not false, so NULL in a column that has a default comes as the default; set it to false`,
        ]
      : []),
    ...['predicate', 'route.by.field', 'drop.fields.header.name']
      .filter((one) => config[`${at}.${one}`] !== undefined)
      .map((one) => `${at}.${one} is set, which is not supported; take it away`),
  ];
}

function listed(setting: string | undefined): readonly string[] {
  return (setting ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '');
}
