import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Db2Session } from '#legacy/db2/driver';
import { stateOf } from '#legacy/db2/sqlstate';
import { CONTROL_SCHEMA } from '../control.ts';
import type { Config } from './config.ts';
import { Connector, type ConnectorPorts } from './connector.ts';
import { ChangeLog } from './log.ts';
import { least } from './order.ts';
import type { Publisher } from './publisher.ts';
import { describeTable, type Registered, register, registered, registeredTables } from './registration.ts';
import { DRAFT } from './state.ts';

/** Sessions are not for use by two at once, so each part has its own. */
export interface Sessions {
  readonly log: Db2Session;
  readonly snapshot: Db2Session;
  readonly chores: Db2Session;
}

export interface CaptureOptions {
  readonly sessions: Sessions;
  readonly publisher: Publisher;
  readonly database: string;
  readonly dataDir: string;
}

/** A deadlock's victim (or Derby stumbling over its own cache of statements, which the shim says alike); a lock timeout. */
const LOCKED = new Set(['40001', '57033']);
const IDLE_MS = 25;
const RETRY_MS = 1_000;
const PRUNE_MS = 5_000;
const REGISTER_MS = 1_000;

/** All connectors over the one log: a loop that gives commits their positions and lets each connector make a step. */
export class Capture {
  readonly connectors = new Map<string, Connector>();
  private readonly options: CaptureOptions;
  private readonly log: ChangeLog;
  private tables = new Map<string, Registered>();
  private stopping = false;
  private readonly due = { prune: 0, register: 0, heartbeat: 0 };

  constructor(options: CaptureOptions) {
    this.options = options;
    this.log = new ChangeLog(options.sessions.log);
  }

  /** Connectors of an earlier run go on from where they stopped. */
  async open(): Promise<void> {
    const { dataDir } = this.options;
    await this.reload();
    for (const file of await readdir(dataDir)) {
      if (file.startsWith('connector-') && file.endsWith(DRAFT)) await rm(join(dataDir, file));
      const name = /^connector-(.+)\.json$/.exec(file)?.[1];
      if (name === undefined) continue;
      const connector = await Connector.open(decodeURIComponent(name), null, this.ports());
      if (connector !== null) this.connectors.set(connector.name, connector);
    }
  }

  /** As Connect's PUT: makes the connector or gives it another configuration. */
  async put(name: string, config: Config): Promise<'created' | 'changed'> {
    const outcome = await this.exclusively(async () => {
      const known = this.connectors.get(name);
      if (known !== undefined) {
        await known.configure(config);
        return 'changed';
      }
      const connector = await Connector.open(name, config, this.ports());
      if (connector !== null) this.connectors.set(name, connector);
      return 'created';
    });
    this.due.register = 0;
    return outcome;
  }

  /** As Connect's DELETE: what it has written stays, what it remembers does not. */
  async remove(name: string): Promise<void> {
    await this.exclusively(async () => {
      this.connectors.delete(name);
      await rm(Connector.path(this.options.dataDir, name), { force: true });
    });
  }

  restart(name: string): void {
    const connector = this.connectors.get(name);
    if (connector !== undefined) connector.fault = null;
    this.due.register = 0;
  }

  stop(): void {
    this.stopping = true;
  }

  /** Until `stop`. Rejects when the database is lost: the process ends then and is started anew. */
  async run(): Promise<void> {
    await Promise.all([this.stream(), this.chores()]);
  }

  private async stream(): Promise<void> {
    while (!this.stopping) {
      const worked = await this.exclusively(() => this.pass()).catch(unlessLocked);
      if (!worked) await pause(IDLE_MS);
    }
  }

  private async pass(): Promise<boolean> {
    await this.log.advance();
    let worked = false;
    for (const connector of this.connectors.values()) {
      if (this.stopping) return false;
      if (connector.ready()) worked = (await connector.step()) || worked;
    }
    return worked;
  }

  /** One at a time: the loop, whose steps a connector must not change under, and whoever makes or changes one. */
  private turn: Promise<unknown> = Promise.resolve();

  private exclusively<T>(work: () => Promise<T>): Promise<T> {
    const result = this.turn.then(work);
    this.turn = result.catch(() => undefined);
    return result;
  }

  private async chores(): Promise<void> {
    while (!this.stopping) {
      await this.when('register', REGISTER_MS, () => this.registerTables());
      await this.when('heartbeat', this.heartbeatMs(), () => this.heartbeat());
      await this.when('prune', PRUNE_MS, () => this.prune());
      await pause(IDLE_MS);
    }
  }

  private async when(what: keyof Capture['due'], everyMs: number, work: () => Promise<void>): Promise<void> {
    if (performance.now() < this.due[what]) return;
    this.due[what] = performance.now() + everyMs;
    try {
      await work();
    } catch (error) {
      // A lock that was not got, a table that is not there yet: the next time will do.
      console.error(`${what}: ${String(error)}`);
      this.due[what] = performance.now() + Math.max(everyMs, RETRY_MS);
    }
  }

  private async registerTables(): Promise<void> {
    const { chores } = this.options.sessions;
    let added = false;
    for (const connector of this.connectors.values()) {
      const { settings } = connector;
      for (const name of [...settings.tables, settings.signalTable]) {
        if (this.tables.has(name)) continue;
        const table = await describeTable(chores, name);
        if (table === null) continue;
        try {
          await register(chores, registered(table));
          added = true;
        } catch (error) {
          connector.fault = `${name} cannot be captured: ${String(error)}`;
          throw error;
        }
      }
    }
    if (added) await this.reload();
  }

  private async reload(): Promise<void> {
    const found = await registeredTables(this.options.sessions.chores);
    this.tables = new Map(found.map((table) => [`${table.schema}.${table.name}`, table]));
    this.log.watch(found);
  }

  private heartbeatMs(): number {
    return Math.min(...[...this.connectors.values()].map(({ settings }) => settings.heartbeatMs), 1_000);
  }

  private async heartbeat(): Promise<void> {
    const tables = new Set([...this.connectors.values()].map(({ settings }) => settings.heartbeatTable));
    for (const table of tables) {
      if (!this.tables.has(table)) continue;
      const { chores } = this.options.sessions;
      const beaten = await chores.execute(`UPDATE ${table} SET "AT" = CURRENT_TIMESTAMP WHERE ID = 1`);
      if (beaten === 0) await chores.execute(`INSERT INTO ${table} (ID, "AT") VALUES (1, CURRENT_TIMESTAMP)`);
    }
  }

  private async prune(): Promise<void> {
    const positions = [...this.connectors.values()].map(({ commit }) => commit);
    if (positions.length === 0) return;
    await this.log.prune(this.options.sessions.chores, least(...positions));
  }

  private ports(): ConnectorPorts {
    const { sessions, publisher, database, dataDir } = this.options;
    return {
      log: this.log,
      session: sessions.snapshot,
      publisher,
      database,
      dataDir,
      stopped: () => this.stopping,
      tables: () => this.tables,
    };
  }
}

/** Named in the log of a start, so that whoever reads it knows what writes the change tables. */
export const CAPTURE_NAME = `change capture by triggers into ${CONTROL_SCHEMA}`;

/** A snapshot's read that waited too long for a writer is made again; whatever else fails ends the process. */
function unlessLocked(error: unknown): false {
  if (!LOCKED.has(stateOf(error) ?? '')) throw error;
  console.error(`a lock was not got: ${String(error)}`);
  return false;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
