import { CompressionTypes, type Kafka, type Message } from 'kafkajs';

/** A record to be, and the partition that it goes to. */
export interface Outgoing {
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Records in one request, and requests side by side are not needed: nobody measures this. */
const AT_ONCE = 2_000;

/** What Debezium puts on every record of a row. */
const HEADERS = {
  '__debezium.context.connectorLogicalName': 'bench',
  '__debezium.context.taskId': '0',
  '__debezium.context.connectorName': 'postgresql',
};

/** Writes records in their order. @returns the bytes of all keys and values. */
export async function produce(kafka: Kafka, topic: string, records: Iterable<Outgoing>): Promise<number> {
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  await producer.connect();
  let bytes = 0;
  const send = async (messages: Message[]): Promise<void> => {
    await producer.send({ topic, acks: -1, compression: CompressionTypes.None, messages });
  };
  let waiting: Message[] = [];
  for (const { partition, key, value } of records) {
    bytes += key.length + value.length;
    waiting.push({ partition, key, value, headers: HEADERS });
    if (waiting.length < AT_ONCE) continue;
    await send(waiting);
    waiting = [];
  }
  if (waiting.length > 0) await send(waiting);
  await producer.disconnect();
  return bytes;
}
