import { FicusError } from '#core/errors';
import { avroSchema } from '#debezium/avro';
import { referenceText } from '#debezium/schema-reference';
import type { SchemaSource } from '#debezium/schema-registry';
import { envelopeOf, type OrderChange } from './order-row.ts';
import type { Outgoing } from './produce.ts';

/** Where the schemas would stand in a registry. */
const KEY_ID = 1;
const VALUE_ID = 2;

const optional = (name: string, type: unknown): object => ({ name, type: ['null', type], default: null });
const required = (name: string, type: unknown): object => ({ name, type });

const KEY_SCHEMA = {
  type: 'record',
  name: 'Key',
  namespace: 'bench.public.orders',
  fields: [required('id', 'long')],
  'connect.name': 'bench.public.orders.Key',
};

const DATE = { type: 'int', 'connect.version': 1, 'connect.name': 'io.debezium.time.Date' };
const STAMP = { type: 'string', 'connect.version': 1, 'connect.name': 'io.debezium.time.ZonedTimestamp' };

const ROW = {
  type: 'record',
  name: 'Value',
  fields: [
    required('id', 'long'),
    ...['customer', 'status', 'amount', 'tax'].map((name) => optional(name, 'string')),
    optional('pieces', 'int'),
    optional('ordered_on', DATE),
    optional('changed_at', STAMP),
    ...['city', 'note'].map((name) => optional(name, 'string')),
  ],
  'connect.name': 'bench.public.orders.Value',
};

const SNAPSHOT = {
  type: 'string',
  'connect.version': 1,
  'connect.parameters': {
    allowed: 'true,first,first_in_data_collection,last_in_data_collection,last,false,incremental',
  },
  'connect.default': 'false',
  'connect.name': 'io.debezium.data.Enum',
};

const SOURCE = {
  type: 'record',
  name: 'Source',
  namespace: 'io.debezium.connector.postgresql',
  fields: [
    ...['version', 'connector', 'name'].map((name) => required(name, 'string')),
    required('ts_ms', 'long'),
    { name: 'snapshot', type: [SNAPSHOT, 'null'], default: 'false' },
    required('db', 'string'),
    optional('sequence', 'string'),
    ...['ts_us', 'ts_ns'].map((name) => optional(name, 'long')),
    ...['schema', 'table'].map((name) => required(name, 'string')),
    ...['txId', 'lsn', 'xmin'].map((name) => optional(name, 'long')),
  ],
  'connect.version': 1,
  'connect.name': 'io.debezium.connector.postgresql.Source',
};

const BLOCK = {
  type: 'record',
  name: 'block',
  namespace: 'event',
  fields: [
    required('id', 'string'),
    ...['total_order', 'data_collection_order'].map((name) => required(name, 'long')),
  ],
  'connect.version': 1,
  'connect.name': 'event.block',
};

const VALUE_SCHEMA = {
  type: 'record',
  name: 'Envelope',
  namespace: 'bench.public.orders',
  fields: [
    optional('before', ROW),
    optional('after', 'Value'),
    required('source', SOURCE),
    optional('transaction', BLOCK),
    required('op', 'string'),
    ...['ts_ms', 'ts_us', 'ts_ns'].map((name) => optional(name, 'long')),
  ],
  'connect.version': 2,
  'connect.name': 'bench.public.orders.Envelope',
};

const TEXTS: Readonly<Record<string, string>> = {
  [KEY_ID]: JSON.stringify(KEY_SCHEMA),
  [VALUE_ID]: JSON.stringify(VALUE_SCHEMA),
};

/** The schemas as Debezium's connector and Connect's converter write them; a registry is asked for each only once. */
export const ORDER_SCHEMAS: SchemaSource = {
  async find(reference) {
    const text = TEXTS[referenceText(reference)];
    if (text === undefined)
      throw new FicusError('registry_unavailable', `no schema ${referenceText(reference)}`);
    return avroSchema(text);
  },
};

const key = avroSchema(JSON.stringify(KEY_SCHEMA)).type;
const value = avroSchema(JSON.stringify(VALUE_SCHEMA)).type;

/** A change as a record in Confluent's wire format. */
export function asAvro(change: OrderChange): Outgoing {
  return {
    partition: change.partition,
    key: confluent(KEY_ID, key.toBuffer({ id: change.id })),
    value: confluent(VALUE_ID, value.toBuffer(envelopeOf(change))),
  };
}

function confluent(id: number, datum: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeInt32BE(id, 1);
  return Buffer.concat([head, datum]);
}
