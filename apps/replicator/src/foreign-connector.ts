import type { LegacySystem } from '#config/systems';
import { FicusError, reasonOf } from '#core/errors';
import { type Plan, tablesOf } from '#core/plan';
import { captureFaults, tableFaults } from '#debezium/capture-faults';
import type { ConnectorConfig } from '#debezium/connect-client';
import { recordForm } from '#debezium/connector-form';
import type { RecordForm } from '#debezium/decoder';
import { messageKeyFaults } from '#debezium/message-keys';
import { modeFaults } from '#debezium/mode-faults';
import type { Captured, Connector, StewardParts } from './connector-steward.ts';

/** The configuration of a connector as it was last seen, and what follows from it. */
interface Seen {
  readonly config: ConnectorConfig;
  readonly form: RecordForm;
  readonly faults: readonly string[];
  /** Tables without a primary key. */
  readonly keyless: readonly string[];
  /** What a plan's tables add to the faults: asked for each record. */
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
    const { form, faults, ofPlans } = this.#seen;
    let all = faults;
    if (plan !== null) {
      all = ofPlans.get(plan) ?? [...faults, ...planFaults(this.#seen, plan)];
      ofPlans.set(plan, all);
    }
    if (all.length > 0) throw unusable(`connector ${connector} cannot serve: ${all.join('; ')}`);
    return form;
  }

  /** One round. Never throws: what is wrong shows in readiness and is tried again in the next round. */
  async tend({ plans, traits }: Captured): Promise<void> {
    const dependency = `connector:${this.#name}`;
    const { connect, dependencies, log } = this.#parts;
    const { connector } = this.#system.capture;
    try {
      const config = await connect.config(connector);
      if (config === null) throw unusable(`Kafka Connect has no connector ${connector}`);
      const seen = this.#look(config, traits.keyless);
      const faults = [...seen.faults, ...new Set(plans.flatMap((plan) => planFaults(seen, plan)))];
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
  #look(config: ConnectorConfig, keyless: readonly string[]): Seen {
    const before = this.#seen;
    const same = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other);
    if (before !== null && same(before.config, config)) {
      if (!same(before.keyless, keyless)) this.#seen = { ...before, keyless, ofPlans: new WeakMap() };
      return this.#seen ?? before;
    }
    // One that cannot be judged serves nobody, whatever was before.
    this.#seen = null;
    const { kind, capture } = this.#system;
    const { connector, topicPrefix, registry } = capture;
    const faults = captureFaults(config, { kind, topicPrefix, hasRegistry: registry !== undefined });
    for (const warning of modeFaults(config).warned)
      this.#parts.log.warn({ system: this.#name, connector }, `connector: ${warning}`);
    this.#seen = { config, form: recordForm(config), faults, keyless, ofPlans: new WeakMap() };
    return this.#seen;
  }
}

function planFaults({ config, keyless }: Seen, plan: Plan): readonly string[] {
  return [...tableFaults(config, tablesOf(plan)), ...messageKeyFaults(config, plan, keyless)];
}

function unusable(message: string): FicusError {
  return new FicusError('connector_failed', message, { retryable: true });
}
