import type { FieldType } from '#core/field-type';
import type { WireModes } from './wire-modes.ts';

/** Does a value stand for one that was not sent, since an update left it as it was (TOAST)? */
export type PlaceholderTest = (type: FieldType, value: unknown) => boolean;

const HEX = 'hex:';

/**
 * The forms of the configured placeholder, each seen with Debezium 3.3.1: the text itself in every type that travels
 * as text (in a bytea too, with `binary.handling.mode=hex`), its octets in a bytea.
 */
export function placeholderTest({ placeholder, binary }: WireModes): PlaceholderTest {
  const octets = placeholder.startsWith(HEX)
    ? Buffer.from(placeholder.slice(HEX.length), 'hex')
    : Buffer.from(placeholder);
  const text = octets.toString('utf8');
  const bytes = binary === 'bytes' ? octets.toString('base64') : text;
  return (type, value) => value === (type.kind === 'bytes' ? bytes : text);
}
