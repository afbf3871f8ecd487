/**
 * How MongoDB's sink connector is tuned, beside where it reads and writes. Each row of a partition in order, as its
 * handler for Debezium's events demands; as much of a partition in a fetch as Ficus takes.
 */
export const TUNING: Readonly<Record<string, string>> = {
  'connector.class': 'com.mongodb.kafka.connect.MongoSinkConnector',
  'change.data.capture.handler': 'com.mongodb.kafka.connect.sink.cdc.debezium.rdbms.postgres.PostgresHandler',
  'tasks.max': '4',
  'max.batch.size': '0',
  'bulk.write.ordered': 'true',
  'consumer.override.max.poll.records': '2000',
  'consumer.override.max.partition.fetch.bytes': '4194304',
  'consumer.override.fetch.max.bytes': '16777216',
  'consumer.override.fetch.min.bytes': '1',
  'consumer.override.auto.offset.reset': 'earliest',
};

/** What MongoDB must have acknowledged, as Ficus demands it. */
export const WRITE_CONCERN = 'w=majority&journal=true';

/** A connector of a worker, over the worker's REST interface. */
export class Connector {
  readonly #worker: string;
  readonly #name: string;

  constructor(worker: string, name: string) {
    this.#worker = worker;
    this.#name = name;
  }

  /** The consumer group of its tasks. */
  get group(): string {
    return `connect-${this.#name}`;
  }

  async create(config: Readonly<Record<string, string>>): Promise<void> {
    await this.#ask('POST', '/connectors', JSON.stringify({ name: this.#name, config }));
  }

  async remove(): Promise<void> {
    await this.#ask('DELETE', `/connectors/${this.#name}`);
  }

  /** @throws Error with the task's own words when one has failed. */
  async check(): Promise<void> {
    const text = await this.#ask('GET', `/connectors/${this.#name}/status`);
    if (text.includes('"FAILED"')) throw new Error(`the sink connector has failed: ${text.slice(0, 2_000)}`);
  }

  async #ask(method: string, path: string, body?: string): Promise<string> {
    const answer = await fetch(`${this.#worker}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      signal: AbortSignal.timeout(30_000),
      ...(body === undefined ? {} : { body }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`Kafka Connect: ${method} ${path}: ${answer.status} ${text}`);
    return text;
  }
}
