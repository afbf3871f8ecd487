import type { WireValue } from '#core/change-event';
import { FicusError } from '#core/errors';
import { shownValue } from '#core/refusal';
import { plainDecimal } from '#core/value';
import type { WireModes } from './wire-modes.ts';

const SETTING = "set the connector's decimal.handling.mode to string";

/** Of a numeric, as `decimal.handling.mode=string` writes them. */
const NO_NUMBERS: Readonly<Record<string, string>> = {
  NAN: 'NaN',
  POSITIVE_INFINITY: 'Infinity',
  NEGATIVE_INFINITY: '-Infinity',
};

/** A decimal of Debezium's wire in plain notation. @throws FicusError `value_invalid` when its digits may be lost. */
export function decimalText({ value, schema }: WireValue, { decimal }: WireModes, extended: boolean): string {
  if (schema?.name === 'org.apache.kafka.connect.data.Decimal' && typeof value === 'string')
    return withScale(unscaled(value), Number(schema.parameters['scale'] ?? 0));
  if (isVariableScale(value)) return withScale(unscaled(value.value), value.scale);
  if (typeof value === 'string' && schema === null && decimal === 'precise')
    throw new FicusError(
      'value_invalid',
      `${shownValue(value)} is a decimal whose scale is in no schema; ${SETTING}`,
    );
  if (typeof value === 'string' && extended && Object.hasOwn(NO_NUMBERS, value))
    return NO_NUMBERS[value] ?? value;
  if (typeof value === 'string') return plainDecimal(value);
  throw new FicusError(
    'value_invalid',
    `${shownValue(value)} came as a number, which loses digits; ${SETTING} or precise`,
  );
}

/** `io.debezium.data.VariableScaleDecimal`: numeric without a scale of its own. */
function isVariableScale(value: unknown): value is { scale: number; value: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'scale' in value &&
    Number.isSafeInteger(value.scale) &&
    'value' in value &&
    typeof value.value === 'string'
  );
}

/** Base64 of a big-endian two's-complement integer. */
function unscaled(base64: string): bigint {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length === 0) return 0n;
  return BigInt.asIntN(bytes.length * 8, BigInt(`0x${bytes.toString('hex')}`));
}

function withScale(value: bigint, scale: number): string {
  return plainDecimal(`${value}E${-scale}`);
}
