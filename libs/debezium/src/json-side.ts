import { isUtf8 } from 'node:buffer';
import type { WireSchema } from '#core/change-event';
import { FicusError } from '#core/errors';
import { parseLossless } from './json.ts';
import { isRecord, listOf, parametersOf, type Side } from './side.ts';

/** What stands before the payload of a record with a schema, byte for byte, and what it says. */
interface Head {
  readonly bytes: Buffer;
  readonly schemas: Side['schemas'];
}

const BEGINNING = '{"schema":';
const BETWEEN = ',"payload":';
const END = '}'.charCodeAt(0);

/**
 * Reads JSON with or without schemas. A schema is many times longer than its record and the same for thousands of them,
 * so each place remembers the last one and parses only what follows.
 */
export class JsonSides {
  readonly #heads = { key: new Map<string, Head>(), value: new Map<string, Head>() };

  /**
   * @param topic whose records have the same schema as a rule.
   * @throws FicusError `event_unparsable`.
   */
  read(topic: string, side: 'key' | 'value', bytes: Buffer): Side {
    const heads = this.#heads[side];
    const head = heads.get(topic);
    if (head !== undefined && bytes.at(-1) === END && beginsWith(bytes, head.bytes)) {
      const payload = parse(bytes.subarray(head.bytes.length, -1));
      return { payload, schemas: head.schemas, plain: asIs, isAvro: false };
    }
    const parsed = parse(bytes);
    if (!isRecord(parsed) || !isWrapped(parsed))
      return { payload: parsed, schemas: null, plain: asIs, isAvro: false };
    const schemas = connectSchemas(parsed['schema']);
    const found = headOf(bytes);
    if (found !== null) heads.set(topic, { bytes: found, schemas });
    return { payload: parsed['payload'], schemas, plain: asIs, isAvro: false };
  }
}

/**
 * Is it a payload with its schema? A row may have just two columns of these names: a schema says its type, and where there
 * is none (null), the payload is a struct, or nothing, which a column of a row is not beside it.
 */
function isWrapped(parsed: Readonly<Record<string, unknown>>): boolean {
  if (!('schema' in parsed) || !('payload' in parsed) || Object.keys(parsed).length !== 2) return false;
  const { schema, payload } = parsed;
  if (isRecord(schema)) return typeof schema['type'] === 'string';
  return schema === null && (payload === null || isRecord(payload));
}

function asIs(value: unknown): unknown {
  return value;
}

function parse(bytes: Buffer): unknown {
  if (!isUtf8(bytes)) throw new FicusError('event_unparsable', 'not UTF-8');
  return parseLossless(bytes.toString('utf8'));
}

function beginsWith(bytes: Buffer, head: Buffer): boolean {
  return bytes.length > head.length && bytes.compare(head, 0, head.length, 0, head.length) === 0;
}

/** Null for what is written in another way than Kafka Connect does, which may be read whole each time. */
function headOf(bytes: Buffer): Buffer | null {
  if (!bytes.subarray(0, BEGINNING.length).equals(Buffer.from(BEGINNING))) return null;
  for (let at = bytes.indexOf(BETWEEN); at >= 0; at = bytes.indexOf(BETWEEN, at + 1)) {
    // The same characters may stand in a text of the schema; then what is before them is no whole JSON.
    if (isJson(bytes.toString('utf8', BEGINNING.length, at)))
      return Buffer.from(bytes.subarray(0, at + BETWEEN.length));
  }
  return null;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Connect's JSON schema: a struct whose fields are columns, or structs of columns. */
function connectSchemas(schema: unknown): Side['schemas'] {
  if (!isRecord(schema)) return null;
  const found = new Map([['', columnSchemas(schema)]]);
  for (const field of listOf(schema['fields'])) {
    if (isRecord(field) && typeof field['field'] === 'string')
      found.set(field['field'], columnSchemas(field));
  }
  return found;
}

function columnSchemas(struct: Readonly<Record<string, unknown>>): ReadonlyMap<string, WireSchema> {
  const columns = new Map<string, WireSchema>();
  for (const field of listOf(struct['fields'])) {
    if (!isRecord(field) || typeof field['field'] !== 'string') continue;
    columns.set(field['field'], wireSchema(field));
  }
  return columns;
}

function wireSchema({ name, type, parameters, items }: Readonly<Record<string, unknown>>): WireSchema {
  return {
    name: typeof name === 'string' ? name : null,
    type: typeof type === 'string' ? type : '',
    parameters: parametersOf(parameters),
    ...(isRecord(items) ? { items: wireSchema(items) } : {}),
  };
}
