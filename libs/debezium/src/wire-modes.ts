import { FicusError } from '#core/errors';
import type { ConnectorConfig } from './connect-client.ts';

/**
 * The settings of a Debezium connector that decide how a value travels. Without schemas nothing in a record says
 * which of them it was written under. Source: Debezium 3.3 documentation, "PostgreSQL connector", "Db2 connector".
 */
export interface WireModes {
  /** `decimal.handling.mode` */
  readonly decimal: (typeof DECIMAL)[number];
  /** `time.precision.mode` */
  readonly time: (typeof TIME)[number];
  /** `binary.handling.mode` */
  readonly binary: (typeof BINARY)[number];
  /** `interval.handling.mode` */
  readonly interval: (typeof INTERVAL)[number];
  /** `hstore.handling.mode` */
  readonly hstore: (typeof HSTORE)[number];
  /** `unavailable.value.placeholder`: a text, or `hex:` and the octets of one. */
  readonly placeholder: string;
}

const DECIMAL = ['precise', 'string', 'double'] as const;
const TIME = [
  'adaptive',
  'adaptive_time_microseconds',
  'connect',
  'isostring',
  'microseconds',
  'nanoseconds',
] as const;
const BINARY = ['bytes', 'base64', 'base64-url-safe', 'hex'] as const;
const INTERVAL = ['numeric', 'string'] as const;
const HSTORE = ['json', 'map'] as const;

/** What `connectorConfig` sets. */
export const FICUS_MODES: WireModes = {
  decimal: 'string',
  time: 'adaptive',
  binary: 'bytes',
  interval: 'string',
  hstore: 'json',
  placeholder: '__debezium_unavailable_value',
};

/**
 * The modes of a connector, with Debezium's defaults for what its configuration leaves out.
 * @throws FicusError `setting_invalid` naming the setting, its value and the legal ones.
 */
export function modesOf(config: ConnectorConfig): WireModes {
  return {
    decimal: modeOf(config, 'decimal.handling.mode', DECIMAL, 'precise'),
    time: modeOf(config, 'time.precision.mode', TIME, 'adaptive'),
    binary: modeOf(config, 'binary.handling.mode', BINARY, 'bytes'),
    interval: modeOf(config, 'interval.handling.mode', INTERVAL, 'numeric'),
    hstore: modeOf(config, 'hstore.handling.mode', HSTORE, 'json'),
    placeholder: config['unavailable.value.placeholder'] ?? FICUS_MODES.placeholder,
  };
}

/** Debezium takes blanks around a mode, and either case. */
function modeOf<M extends string>(
  config: ConnectorConfig,
  setting: string,
  legal: readonly M[],
  otherwise: M,
): M {
  const given = config[setting];
  if (given === undefined) return otherwise;
  const mode = legal.find((one) => one === given.trim().toLowerCase());
  if (mode !== undefined) return mode;
  throw new FicusError(
    'setting_invalid',
    `${setting} of the connector is "${given}"; legal are ${legal.join(', ')}`,
  );
}
