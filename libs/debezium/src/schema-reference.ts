import { FicusError } from '#core/errors';

/** What a record calls the Avro schema of one of its sides by: the registry's number, or a GUID. */
export type SchemaReference =
  | { readonly kind: 'id'; readonly id: number }
  | { readonly kind: 'guid'; readonly guid: string };

const ID_BYTES = 4;
const GUID_BYTES = 16;

/** Does the side begin as in Confluent's wire format? No JSON text can begin with a byte 0. */
export function isConfluent(bytes: Buffer): boolean {
  return bytes[0] === 0;
}

/**
 * Confluent's wire format: a byte 0, the schema's id as four bytes, big-endian, then the datum. Source: Confluent
 * documentation, "Formats, serializers and deserializers", "Wire format".
 * @throws FicusError `event_unparsable` when it is too short.
 */
export function splitConfluent(bytes: Buffer): {
  readonly reference: SchemaReference;
  readonly datum: Buffer;
} {
  if (bytes.length <= ID_BYTES)
    throw new FicusError(
      'event_unparsable',
      `a byte 0 and ${bytes.length - 1} more, where an Avro schema id has four`,
    );
  return { reference: { kind: 'id', id: bytes.readInt32BE(1) }, datum: bytes.subarray(1 + ID_BYTES) };
}

/**
 * What newer serialisers put in a header instead, so that the side is the bare datum: a byte 0 and an id, or a byte 1
 * and a GUID.
 */
export function readSchemaHeader(bytes: Buffer): SchemaReference {
  if (bytes[0] === 0 && bytes.length === 1 + ID_BYTES) return { kind: 'id', id: bytes.readInt32BE(1) };
  const hex = bytes.subarray(1).toString('hex');
  const guid = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/.exec(hex)?.slice(1).join('-');
  if (bytes[0] === 1 && bytes.length === 1 + GUID_BYTES && guid !== undefined) return { kind: 'guid', guid };
  throw new FicusError(
    'event_unparsable',
    `the schema header ${bytes.toString('hex')} is not legal here; legal is a byte 0 with 4 bytes, or a byte 1 with 16`,
  );
}

/** One text for each schema. */
export function referenceText(reference: SchemaReference): string {
  return reference.kind === 'id' ? String(reference.id) : reference.guid;
}
