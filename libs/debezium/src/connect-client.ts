import { z } from 'zod';
import { FicusError, reasonOf } from '#core/errors';

export type ConnectorConfig = Readonly<Record<string, string>>;

const status = z.object({
  connector: z.object({ state: z.string() }),
  tasks: z.array(z.object({ id: z.number(), state: z.string(), trace: z.string().optional() })),
});

export interface ConnectorStatus {
  readonly running: boolean;
  /** Stopped by order, and nothing of it runs any more. */
  readonly stopped: boolean;
  /** First line of the failed task's trace; null when none failed. */
  readonly failure: string | null;
}

/** Kafka Connect's REST interface, as far as Ficus uses it. Source: Apache Kafka documentation, "Kafka Connect". */
export class ConnectClient {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address.replace(/\/$/, '');
  }

  /** The connector's configuration, null when there is no such connector. */
  async config(name: string): Promise<ConnectorConfig | null> {
    const reply = await this.#call('GET', `/connectors/${encodeURIComponent(name)}/config`);
    return reply === null ? null : z.record(z.string(), z.string()).parse(reply);
  }

  /** Creates the connector or gives it this configuration; the same one again changes nothing but a restart. */
  async put(name: string, config: ConnectorConfig): Promise<void> {
    await this.#call('PUT', `/connectors/${encodeURIComponent(name)}/config`, config);
  }

  /** Creates a connector that is known to Connect and does not run. @throws FicusError when there is one of that name. */
  async createStopped(name: string, config: ConnectorConfig): Promise<void> {
    await this.#call('POST', '/connectors', { name, config, initial_state: 'STOPPED' });
  }

  /** Ends its tasks until `resume`; `status` tells when they have ended. */
  async stop(name: string): Promise<void> {
    await this.#call('PUT', `/connectors/${encodeURIComponent(name)}/stop`);
  }

  async resume(name: string): Promise<void> {
    await this.#call('PUT', `/connectors/${encodeURIComponent(name)}/resume`);
  }

  /** Forgets how far a stopped connector has read. @throws FicusError when it is not stopped. */
  async forgetOffsets(name: string): Promise<void> {
    await this.#call('DELETE', `/connectors/${encodeURIComponent(name)}/offsets`);
  }

  async status(name: string): Promise<ConnectorStatus | null> {
    const reply = await this.#call('GET', `/connectors/${encodeURIComponent(name)}/status`);
    if (reply === null) return null;
    const { connector, tasks } = status.parse(reply);
    const failed = tasks.find((task) => task.state === 'FAILED');
    return {
      running:
        connector.state === 'RUNNING' && tasks.length > 0 && tasks.every((task) => task.state === 'RUNNING'),
      stopped: connector.state === 'STOPPED' && tasks.length === 0,
      failure: failed === undefined ? null : (failed.trace?.split('\n')[0] ?? 'FAILED').slice(0, 300),
    };
  }

  async restart(name: string): Promise<void> {
    await this.#call(
      'POST',
      `/connectors/${encodeURIComponent(name)}/restart?includeTasks=true&onlyFailed=true`,
    );
  }

  async #call(method: string, path: string, body?: unknown): Promise<unknown> {
    let reply: Response;
    try {
      reply = await fetch(this.#address + path, {
        method,
        signal: AbortSignal.timeout(10_000),
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
    } catch (cause) {
      throw new FicusError(
        'connector_failed',
        `Kafka Connect at ${this.#address} cannot be reached: ${reasonOf(cause)}`,
        {
          cause,
          retryable: true,
        },
      );
    }
    if (reply.status === 404) return null;
    const text = await reply.text();
    if (!reply.ok) {
      // 409: Connect is rebalancing; 5xx: it is starting.
      const retryable = reply.status === 409 || reply.status >= 500;
      throw new FicusError(
        'connector_failed',
        `Kafka Connect refused ${method} ${path} (${reply.status}): ${text.slice(0, 500)}`,
        { retryable },
      );
    }
    return text === '' ? {} : JSON.parse(text);
  }
}
