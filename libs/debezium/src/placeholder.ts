import { createHash } from 'node:crypto';
import type { ElementType, FieldType } from '#core/field-type';
import type { WireModes } from './wire-modes.ts';

/** Does a value stand for one that was not sent, since an update left it as it was (TOAST)? */
export type PlaceholderTest = (type: FieldType, value: unknown) => boolean;

interface Forms {
  readonly text: string;
  /** Of a bytea. */
  readonly bytes: string;
  /** Elements of an array, by what they are. */
  readonly elements: Readonly<Record<ElementType['kind'], readonly (string | number)[]>>;
}

const HEX = 'hex:';

/**
 * The forms of the configured placeholder, each seen with Debezium 3.3.1: the text itself in every type that travels
 * as text (in a bytea too, with `binary.handling.mode=hex`), its octets in a bytea, the text as an hstore's one name and
 * value, and as an array's only element; in an array of numbers or days its octets as signed numbers, in one of UUIDs
 * the one that is named after them (RFC 9562, version 3 without a namespace).
 */
export function placeholderTest(modes: WireModes): PlaceholderTest {
  const forms = formsOf(modes);
  return (type, value) => {
    switch (type.kind) {
      case 'array':
        return isList(forms.elements[type.of.kind], value);
      case 'bytes':
        return value === forms.bytes;
      case 'hstore':
        return isPair(forms.text, value);
      default:
        return value === forms.text;
    }
  };
}

function formsOf({ placeholder, binary }: WireModes): Forms {
  const octets = placeholder.startsWith(HEX)
    ? Buffer.from(placeholder.slice(HEX.length), 'hex')
    : Buffer.from(placeholder);
  const text = octets.toString('utf8');
  const numbers = [...new Int8Array(octets)];
  return {
    text,
    bytes: binary === 'bytes' ? octets.toString('base64') : text,
    elements: {
      date: numbers,
      int: numbers,
      json: [text],
      long: numbers,
      string: [text],
      uuid: [namedUuid(octets)],
    },
  };
}

/** As Java's `UUID.nameUUIDFromBytes`. */
function namedUuid(name: Buffer): string {
  const digest = createHash('md5').update(name).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x30, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

function isList(elements: readonly (string | number)[], value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length === elements.length &&
    elements.every((element, index) => element === plain(value[index]))
  );
}

function plain(element: unknown): unknown {
  return typeof element === 'bigint' ? Number(element) : element;
}

/** An hstore travels as a JSON text or as a map. */
function isPair(text: string, value: unknown): boolean {
  return (
    value === JSON.stringify({ [text]: text }) || JSON.stringify(value) === JSON.stringify({ [text]: text })
  );
}
