import type { LegacySystem } from '#config/systems';
import { reasonOf } from '#core/errors';
import { type Plan, tablesOf } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type { LogTraits } from '#core/ports/legacy-store';
import type { ConnectClient, ConnectorConfig } from '#debezium/connect-client';
import { connectorConfig, EXCLUDED_COLUMNS } from '#debezium/connector-config';
import { recordForm } from '#debezium/connector-form';
import type { RecordForm } from '#debezium/decoder';
import { MESSAGE_KEYS, messageKeys, printMessageKeys } from '#debezium/message-keys';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';

export interface StewardParts {
  readonly connect: ConnectClient;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
  readonly log: Logger;
}

/** The connector of one legacy system, whoever configures it. */
export interface Connector {
  /** Does it run with the tables of the last round? */
  readonly healthy: boolean;
  /** One round for the tables of all plans. Never throws: what is wrong shows in readiness and is tried again. */
  tend(captured: Captured): Promise<void>;
  /**
   * How it writes records.
   * @throws FicusError `connector_failed` (retryable) while that is not known, or the plan's rows would be lost by it.
   */
  form(plan: Plan | null): RecordForm;
}

/** What a connector is to capture. */
export interface Captured {
  readonly plans: readonly Plan[];
  readonly traits: LogTraits;
}

const NOTHING: Captured = { plans: [], traits: { notInLog: [], keyless: [] } };

/** A connector whose place in the source's log Ficus may do away with. */
export interface Haltable {
  /** Stops it; answers whether nothing of it runs any more. @throws FicusError while Connect is away. */
  halt(): Promise<boolean>;
  /** Forgets how far it had read, once it is halted. @throws FicusError. */
  forget(): Promise<void>;
  /** Lets it run again. @throws FicusError. */
  resume(): Promise<void>;
}

/** A task that fails at once after every restart is not restarted more often than this. */
const RESTART_MS = 10_000;

/**
 * Keeps a system's one connector as the plans say: creates it, gives it a changed table list, puts it again after
 * Connect forgot it, restarts a failed task. All of it is idempotent, so every replicator may do it.
 */
export class ConnectorSteward implements Connector, Haltable {
  readonly #name: string;
  readonly #system: LegacySystem;
  readonly #parts: StewardParts;
  readonly #form: RecordForm;
  #healthy = false;
  #restartedAt = 0;

  constructor(name: string, system: LegacySystem, parts: StewardParts) {
    this.#name = name;
    this.#system = system;
    this.#parts = parts;
    this.#form = recordForm(configOf(system, NOTHING));
  }

  get healthy(): boolean {
    return this.#healthy;
  }

  form(): RecordForm {
    return this.#form;
  }

  async halt(): Promise<boolean> {
    const { connect } = this.#parts;
    const { connector } = this.#system.capture;
    this.#healthy = false;
    const status = await connect.status(connector);
    if (status?.stopped) return true;
    // One that Connect has forgotten, as it does in standalone mode, must be known for its offsets to be.
    if (status === null) await connect.createStopped(connector, configOf(this.#system, NOTHING));
    else await connect.stop(connector);
    return (await connect.status(connector))?.stopped ?? false;
  }

  async forget(): Promise<void> {
    await this.#parts.connect.forgetOffsets(this.#system.capture.connector);
  }

  async resume(): Promise<void> {
    const { connect } = this.#parts;
    const { connector } = this.#system.capture;
    if ((await connect.status(connector))?.stopped) await connect.resume(connector);
  }

  async tend(captured: Captured): Promise<void> {
    const dependency = `connector:${this.#name}`;
    const { connect, dependencies, clock, log } = this.#parts;
    const { connector } = this.#system.capture;
    try {
      const known = await connect.config(connector);
      const wanted = neverLess(known, captured, configOf(this.#system, captured));
      if (known === null || !covers(known, wanted)) {
        this.#healthy = false;
        log.info(
          { system: this.#name, connector, tables: captured.plans.flatMap(tablesOf) },
          known === null ? 'creating the connector' : 'giving the connector its new configuration',
        );
        await connect.put(connector, wanted);
        dependencies.down(dependency, new Error('just configured'));
        return;
      }
      const status = await connect.status(connector);
      this.#healthy = status?.running ?? false;
      if (this.#healthy) return dependencies.up(dependency);
      dependencies.down(dependency, new Error(status?.failure ?? 'not running yet'));
      if (status?.failure && clock.now() - this.#restartedAt > RESTART_MS) {
        this.#restartedAt = clock.now();
        log.warn(
          { system: this.#name, connector, failure: status.failure },
          'restarting the failed connector',
        );
        await connect.restart(connector);
      }
    } catch (error) {
      this.#healthy = false;
      dependencies.down(dependency, error);
      log.warn({ system: this.#name, connector }, `connector: ${reasonOf(error)}`);
    }
  }
}

function configOf(system: LegacySystem, { plans, traits }: Captured): ConnectorConfig {
  const { topicPrefix, format, registry = null } = system.capture;
  const postgres =
    system.kind === 'postgres'
      ? {
          slot: system.capture.slot,
          publication: system.capture.publication,
          database: system.capture.database,
        }
      : null;
  return connectorConfig({
    ...{ kind: system.kind, topicPrefix, format, registry, postgres },
    tables: plans.flatMap(tablesOf),
    excluded: traits.notInLog,
    keys: messageKeys(plans, traits.keyless),
  });
}

const TABLES = 'table.include.list';

/**
 * Another replicator may know of a plan that this one has not read yet. A table taken off the list, if only for a
 * moment, loses the changes of that moment for ever; so the list only grows. Nor does a table whose records have a key
 * of the plan's ever get another one: a primary key made later would have them spread otherwise over the partitions.
 */
function neverLess(
  known: ConnectorConfig | null,
  { plans, traits }: Captured,
  wanted: ConnectorConfig,
): ConnectorConfig {
  const there = (known?.[TABLES] ?? '').split(',').filter((table) => table !== '');
  const asked = (wanted[TABLES] ?? '').split(',');
  const keys = printMessageKeys(messageKeys(plans, traits.keyless), known?.[MESSAGE_KEYS]);
  return {
    ...wanted,
    ...(keys === null ? {} : { [MESSAGE_KEYS]: keys }),
    [TABLES]: [...there, ...asked.filter((table) => !there.includes(table))].join(','),
  };
}

/** Connect adds members of its own (the name), so the known configuration may hold more. */
function covers(known: ConnectorConfig, wanted: ConnectorConfig): boolean {
  const same = (name: string): boolean => known[name] === wanted[name];
  return [...Object.keys(wanted), EXCLUDED_COLUMNS].every(same);
}
