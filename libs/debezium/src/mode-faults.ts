import type { ConnectorConfig } from './connect-client.ts';
import { APICURIO } from './connector-form.ts';
import { modesOf, type WireModes } from './wire-modes.ts';

/** What a connector's configuration does to values: each a sentence with the setting, the reason and the remedy. */
export interface ModeFaults {
  /** Values would be lost or changed with nothing in the record to tell it. */
  readonly refused: readonly string[];
  /** Some values cannot be carried; whether there are any only the owner of the tables knows. */
  readonly warned: readonly string[];
}

const SIDES = ['key', 'value'] as const;

/**
 * Judges the configuration of a connector that Ficus has not made itself. What Debezium does in each mode was seen with
 * 3.3.1; converters as Kafka Connect's documentation has them: one that the connector names by itself inherits no
 * setting of the worker.
 * @throws FicusError `setting_invalid` for a mode that does not exist.
 */
export function modeFaults(config: ConnectorConfig): ModeFaults {
  const modes = modesOf(config);
  const isPostgres = /postgres/i.test(config['connector.class'] ?? '');
  const refused = [
    ...decimalFaults(config, modes),
    ...timeFaults(modes),
    ...(isPostgres ? binaryFaults(modes) : []),
    ...SIDES.flatMap((side) => nullFaults(config, side)),
    ...lostEvents(config),
  ];
  const warned = [
    ...decimalWarnings(modes),
    ...(modes.time === 'isostring'
      ? [
          'time.precision.mode=isostring sends the time 24:00:00 as 00:00:00, and an array of dates that an update left ' +
            'unchanged (TOAST) as null; set it to adaptive',
        ]
      : []),
    ...(isPostgres ? postgresWarnings(config, modes) : []),
    ...SIDES.flatMap((side) => [...inheritedConverter(config, side), ...doubtfulDefaults(config, side)]),
    ...alteredColumns(config),
  ];
  return { refused, warned };
}

function decimalFaults(config: ConnectorConfig, { decimal }: WireModes): readonly string[] {
  if (decimal === 'double')
    return [
      'decimal.handling.mode=double sends decimals as floating-point numbers, which lose digits; set it to string',
    ];
  if (decimal !== 'precise') return [];
  return SIDES.filter(
    (side) => isJson(config, side) && isOff(config[`${side}.converter.schemas.enable`]),
  ).map(
    (side) =>
      `decimal.handling.mode=precise with ${side}.converter.schemas.enable=false sends decimals without their scale, ` +
      'so that 1.00 and 100 look alike; set decimal.handling.mode to string',
  );
}

function decimalWarnings({ decimal }: WireModes): readonly string[] {
  return decimal === 'precise'
    ? [
        'decimal.handling.mode=precise sends NaN and the infinities as null, and so a decimal of thousands of digits that an ' +
          'update left unchanged (TOAST), and leaves out the zeros at the end of a numeric without a scale; set it to string',
      ]
    : [];
}

function timeFaults({ time }: WireModes): readonly string[] {
  if (time === 'connect')
    return ['time.precision.mode=connect cuts times to milliseconds; set it to adaptive'];
  if (time === 'nanoseconds')
    return [
      'time.precision.mode=nanoseconds turns timestamps outside the years 1678 to 2261 into others; set it to adaptive',
    ];
  return [];
}

function binaryFaults({ binary, placeholder }: WireModes): readonly string[] {
  const remedy = 'set binary.handling.mode to bytes';
  if (binary === 'base64' || binary === 'base64-url-safe')
    return [
      `binary.handling.mode=${binary} sends a bytea that an update left unchanged (TOAST) as null; ${remedy}`,
    ];
  return binary === 'hex' && /^([0-9a-f]{2})*$/i.test(placeholder)
    ? [
        `unavailable.value.placeholder=${placeholder} is what binary.handling.mode=hex makes of some bytea too; ${remedy}`,
      ]
    : [];
}

/** Kafka Connect's JsonConverter has the one setting, Confluent's AvroConverter the other. */
function nullFaults(config: ConnectorConfig, side: (typeof SIDES)[number]): readonly string[] {
  const isAvro = /Avro/.test(config[`${side}.converter`] ?? '');
  // Apicurio's cannot be told otherwise: its defaults are taken for unknown instead, see `RecordForm.nullsReplaced`.
  if (config[`${side}.converter`] === APICURIO || (!isAvro && !isJson(config, side))) return [];
  const kept =
    isOff(config[`${side}.converter.replace.null.with.default`]) ||
    (isAvro && config[`${side}.converter.ignore.default.for.nullables`]?.toLowerCase() === 'true');
  const remedy = isAvro
    ? `${side}.converter.ignore.default.for.nullables to true (Confluent's) or ${side}.converter.replace.null.with.default to false`
    : `${side}.converter.replace.null.with.default to false`;
  return kept
    ? []
    : [
        `${side}.converter sends NULL in a column that has a default as the default; set ${remedy} in the connector itself`,
      ];
}

function inheritedConverter(config: ConnectorConfig, side: (typeof SIDES)[number]): readonly string[] {
  return config[`${side}.converter`] === undefined
    ? [
        `${side}.converter is the worker's, whose settings cannot be seen from here; name it in the connector, with ` +
          `${side}.converter.replace.null.with.default=false, or NULL may come as a column's default`,
      ]
    : [];
}

function doubtfulDefaults(config: ConnectorConfig, side: (typeof SIDES)[number]): readonly string[] {
  return config[`${side}.converter`] === APICURIO
    ? [
        `${side}.converter sends NULL in a column that has a default as the default, so a value that is the default is taken ` +
          'for neither; use another converter, or take the default from the column',
      ]
    : [];
}

function lostEvents(config: ConnectorConfig): readonly string[] {
  const faults: string[] = [];
  const skipped = (config['skipped.operations'] ?? '').split(',').map((one) => one.trim().toLowerCase());
  if (skipped.some((one) => ['c', 'u', 'd'].includes(one)))
    faults.push(
      `skipped.operations=${config['skipped.operations']} leaves out changes of rows; set it to none`,
    );
  const handling = config['event.processing.failure.handling.mode'] ?? 'fail';
  if (handling !== 'fail')
    faults.push(
      `event.processing.failure.handling.mode=${handling} leaves out changes that Debezium cannot read; set it to fail`,
    );
  if (config['errors.tolerance'] === 'all')
    faults.push('errors.tolerance=all leaves out records that a converter refuses; set it to none');
  return faults;
}

function postgresWarnings(config: ConnectorConfig, { interval }: WireModes): readonly string[] {
  const warnings: string[] = [];
  if (interval === 'numeric')
    warnings.push(
      'interval.handling.mode=numeric sends an interval as microseconds, in which its months and days are lost, so a ' +
        'mapped interval is refused row by row; set it to string',
    );
  const skipped = (config['skipped.operations'] ?? 't').split(',').map((one) => one.trim().toLowerCase());
  if (skipped.includes('t'))
    warnings.push(
      'skipped.operations leaves out truncates (Debezium does so unless told otherwise), so MongoDB keeps the rows of a ' +
        'truncated table and only a verification shows it; set it to none',
    );
  return warnings;
}

function alteredColumns(config: ConnectorConfig): readonly string[] {
  return Object.keys(config)
    .filter((setting) => /^column\.(mask|truncate)\./.test(setting))
    .map((setting) => `${setting} changes values before anybody else sees them; leave it out`);
}

function isJson(config: ConnectorConfig, side: string): boolean {
  return /\bJsonConverter$/.test(config[`${side}.converter`] ?? '');
}

function isOff(setting: string | undefined): boolean {
  return setting?.toLowerCase() === 'false';
}
