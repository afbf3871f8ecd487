import type { Kafka } from 'kafkajs';

/**
 * Kafka's own ids of topics: one that is deleted and made anew under its name has another one. kafkajs does not ask for
 * them, so this is its connection with a request of ours: Metadata, version 10 (KIP-516), on brokers from 2.8 on.
 * https://kafka.apache.org/protocol#The_Messages_Metadata
 */

const METADATA = 3;
const VERSION = 10;
/** What a broker answers that has none. */
const NONE = '0'.repeat(32);

interface Request {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
}

/** What of kafkajs's inside is leant on; its types do not tell. */
interface Cluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  readonly brokerPool: {
    findConnectedBroker(): Promise<{
      readonly versions: Readonly<Record<number, { readonly maxVersion: number }>>;
      readonly connectionPool: {
        getConnection(): Promise<{
          send(exchange: {
            readonly request: Request;
            readonly response: {
              readonly decode: (payload: Buffer) => Promise<Buffer>;
              readonly parse: (payload: Buffer) => Promise<Buffer>;
            };
          }): Promise<Buffer>;
        }>;
      };
    }>;
  };
}

/** A connection of its own, closed by the caller. */
export async function openCluster(kafka: Kafka): Promise<Cluster> {
  const name = Object.getOwnPropertySymbols(kafka).find((one) => /createCluster/.test(one.description ?? ''));
  if (name === undefined) throw new Error('kafkajs has no cluster to be opened: it is of another version');
  const open = (kafka as unknown as Record<symbol, (options: object) => Cluster>)[name];
  if (open === undefined) throw new Error('kafkajs has no cluster to be opened');
  const cluster = open({ allowAutoTopicCreation: false });
  await cluster.connect();
  return cluster;
}

/** @returns hexadecimal, by topic; a topic that is not there, or whose broker knows no ids, is left out. */
export async function askLogIds(
  cluster: Cluster,
  topics: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const broker = await cluster.brokerPool.findConnectedBroker();
  if ((broker.versions[METADATA]?.maxVersion ?? 0) < VERSION) return new Map();
  const connection = await broker.connectionPool.getConnection();
  const buf = printRequest(topics);
  const same = async (payload: Buffer): Promise<Buffer> => payload;
  const answer = await connection.send({
    request: {
      ...{ apiKey: METADATA, apiVersion: VERSION, apiName: 'Metadata' },
      encode: async () => ({ buf, buffer: buf }),
    },
    response: { decode: same, parse: same },
  });
  return readAnswer(answer);
}

/** The header's tagged fields, of which kafkajs's older header has none, then the body. */
export function printRequest(topics: readonly string[]): Buffer {
  const parts: Buffer[] = [Buffer.from([0]), varint(topics.length + 1)];
  for (const topic of topics) {
    const name = Buffer.from(topic);
    parts.push(Buffer.alloc(16), varint(name.length + 1), name, Buffer.from([0]));
  }
  // No topic is to be made, and nobody's rights are asked for.
  parts.push(Buffer.from([0, 0, 0, 0]));
  return Buffer.concat(parts);
}

export function readAnswer(payload: Buffer): ReadonlyMap<string, string> {
  const reader = new Reader(payload);
  reader.tags();
  reader.skip(4);
  reader.list(() => {
    reader.skip(4);
    reader.text();
    reader.skip(4);
    reader.text();
    reader.tags();
  });
  reader.text();
  reader.skip(4);
  const ids = new Map<string, string>();
  reader.list(() => {
    reader.skip(2);
    const name = reader.text() ?? '';
    const id = reader.take(16).toString('hex');
    reader.skip(1);
    reader.list(() => {
      reader.skip(14);
      for (let replicas = 0; replicas < 3; replicas++) reader.list(() => reader.skip(4));
      reader.tags();
    });
    reader.skip(4);
    reader.tags();
    if (id !== NONE) ids.set(name, id);
  });
  return ids;
}

/** Kafka's compact forms: a length is an unsigned varint, one more than it is; 0: null. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(count: number): Buffer {
    this.#at += count;
    if (this.#at > this.#bytes.length) throw new Error('an answer of Kafka ends before its end');
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  skip(count: number): void {
    this.take(count);
  }

  text(): string | null {
    const length = this.#varint();
    return length === 0 ? null : this.take(length - 1).toString();
  }

  list(one: () => void): void {
    for (let left = this.#varint() - 1; left > 0; left--) one();
  }

  tags(): void {
    for (let left = this.#varint(); left > 0; left--) {
      this.#varint();
      this.skip(this.#varint());
    }
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.take(1)[0] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) + 0x80);
  return Buffer.from([...bytes, left]);
}
