import type { LegacySystem } from '#config/systems';
import { FicusError, reasonOf } from '#core/errors';
import { type Plan, tablesOf } from '#core/plan';
import { captureFaults, tableFaults } from '#debezium/capture-faults';
import type { ConnectorConfig } from '#debezium/connect-client';
import { recordForm } from '#debezium/connector-form';
import type { RecordForm } from '#debezium/decoder';
import { modeFaults } from '#debezium/mode-faults';
import type { Connector, StewardParts } from './connector-steward.ts';

/** The configuration of a connector as it was last seen, and what follows from it. */
interface Seen {
  readonly config: ConnectorConfig;
  readonly form: RecordForm;
  readonly faults: readonly string[];
  /** What a plan's tables add to them: asked for each record. */
  readonly ofPlans: WeakMap<Plan, readonly string[]>;
}

/**
 * A connector that somebody else configures: Ficus reads from Connect how it writes records, and changes nothing. While
 * it cannot serve, no unit of the system reads a record.
 */
export class ForeignConnector implements Connector {
  readonly #name: string;
  readonly #system: LegacySystem;
  readonly #parts: Omit<StewardParts, 'clock'>;
  #seen: Seen | null = null;
  #healthy = false;

  constructor(name: string, system: LegacySystem, parts: Omit<StewardParts, 'clock'>) {
    this.#name = name;
    this.#system = system;
    this.#parts = parts;
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  form(plan: Plan | null): RecordForm {
    const { connector } = this.#system.capture;
    if (this.#seen === null)
      throw unusable(`the configuration of connector ${connector} has not been read from Kafka Connect yet`);
    const { config, form, faults, ofPlans } = this.#seen;
    let all = faults;
    if (plan !== null) {
      all = ofPlans.get(plan) ?? [...faults, ...tableFaults(config, tablesOf(plan))];
      ofPlans.set(plan, all);
    }
    if (all.length > 0) throw unusable(`connector ${connector} cannot serve: ${all.join('; ')}`);
    return form;
  }

  /** One round. Never throws: what is wrong shows in readiness and is tried again in the next round. */
  async tend(tables: readonly string[]): Promise<void> {
    const dependency = `connector:${this.#name}`;
    const { connect, dependencies, log } = this.#parts;
    const { connector } = this.#system.capture;
    try {
      const config = await connect.config(connector);
      if (config === null) throw unusable(`Kafka Connect has no connector ${connector}`);
      this.#look(config);
      const faults = [...(this.#seen?.faults ?? []), ...tableFaults(config, tables)];
      if (faults.length > 0) throw unusable(`connector ${connector} cannot serve: ${faults.join('; ')}`);
      const status = await connect.status(connector);
      if (!status?.running) throw unusable(status?.failure ?? 'not running yet');
      this.#healthy = true;
      dependencies.up(dependency);
    } catch (error) {
      this.#healthy = false;
      dependencies.down(dependency, error);
      log.warn({ system: this.#name, connector }, `connector: ${reasonOf(error)}`);
    }
  }

  /** Warns once of what this configuration cannot carry. The same form stays the same object, so that what was made of it need not be made again. */
  #look(config: ConnectorConfig): void {
    if (this.#seen !== null && JSON.stringify(this.#seen.config) === JSON.stringify(config)) return;
    // One that cannot be judged serves nobody, whatever was before.
    this.#seen = null;
    const { kind, capture } = this.#system;
    const { connector, topicPrefix, registry } = capture;
    const faults = captureFaults(config, { kind, topicPrefix, hasRegistry: registry !== undefined });
    for (const warning of modeFaults(config).warned)
      this.#parts.log.warn({ system: this.#name, connector }, `connector: ${warning}`);
    this.#seen = { config, form: recordForm(config), faults, ofPlans: new WeakMap() };
  }
}

function unusable(message: string): FicusError {
  return new FicusError('connector_failed', message, { retryable: true });
}
