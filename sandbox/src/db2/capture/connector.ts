import { join } from 'node:path';
import { touchedKeys } from './change.ts';
import { keyJson } from './column.ts';
import { type Config, parseConfig, type Settings } from './config.ts';
import { changeRecords, lsnText, type Origin, type OutgoingRecord } from './event.ts';
import type { ChangeLog, CommittedUnit } from './log.ts';
import type { Publisher, TopicCreation } from './publisher.ts';
import type { Registered } from './registration.ts';
import { parseSignal } from './signal.ts';
import { beginIncremental, nextWindow, type SnapshotPorts } from './snapshot.ts';
import { type ConnectorState, StateFile } from './state.ts';

/** What a connector works with; one capture has it once for all its connectors. */
export interface ConnectorPorts extends Pick<SnapshotPorts, 'session'> {
  readonly log: ChangeLog;
  readonly publisher: Publisher;
  readonly database: string;
  readonly dataDir: string;
  readonly stopped: () => boolean;
  /** All registered tables by `SCHEMA.TABLE`. */
  readonly tables: () => ReadonlyMap<string, Registered>;
}

/** The connector's own topics are made when they are missing, whatever the configuration says of the tables'. */
const OWN_TOPICS: TopicCreation = { partitions: 1, replicas: 1 };

/**
 * One connector: streams the committed log of its tables from where it stopped, and snapshots beside it. Written after
 * Debezium's Db2 connector, for the STAND-IN; at least once, like it.
 */
export class Connector {
  readonly name: string;
  settings: Settings;
  fault: string | null = null;
  private state: ConnectorState;
  private readonly file: StateFile;
  private readonly ports: ConnectorPorts;

  private constructor(name: string, state: ConnectorState, file: StateFile, ports: ConnectorPorts) {
    this.name = name;
    this.state = state;
    this.file = file;
    this.settings = parseConfig(state.config);
    this.ports = ports;
  }

  static path(dataDir: string, name: string): string {
    return join(dataDir, `connector-${encodeURIComponent(name)}.json`);
  }

  /** A connector that is new begins at the log's present end, with a snapshot. */
  static async open(name: string, config: Config | null, ports: ConnectorPorts): Promise<Connector | null> {
    const file = new StateFile(Connector.path(ports.dataDir, name));
    const stored = await file.read();
    if (stored === null && config === null) return null;
    const state: ConnectorState = stored ?? {
      config: { ...config },
      snapshotted: !parseConfig(config ?? {}).initialSnapshot,
      commit: String(await ports.log.position()),
      change: null,
      incremental: [],
    };
    const connector = new Connector(
      name,
      config === null ? state : { ...state, config: { ...config } },
      file,
      ports,
    );
    await connector.save();
    return connector;
  }

  get config(): Config {
    return this.state.config;
  }

  get commit(): bigint {
    return BigInt(this.state.commit);
  }

  /** The source offset as Connect's REST shows it: the fields of Debezium's Db2 connector. */
  offsets(): unknown {
    const { commit, change, snapshotted } = this.state;
    const commitLsn = lsnText(BigInt(commit));
    const offset = snapshotted
      ? {
          commit_lsn: commitLsn,
          change_lsn: change === null ? null : lsnText(BigInt(change)),
          event_serial_no: 1,
        }
      : { snapshot: true, snapshot_completed: false, commit_lsn: commitLsn };
    return { offsets: [{ partition: { server: this.settings.prefix }, offset }] };
  }

  /** Not to be called while it makes a step, which would go on with settings that are no longer. */
  async configure(config: Config): Promise<void> {
    this.settings = parseConfig(config);
    this.state = { ...this.state, config: { ...config } };
    this.fault = null;
    await this.save();
  }

  /** Are all tables that it reads known? Until then it waits. */
  ready(): boolean {
    return this.settings.tables.every(
      (name) => name === this.settings.heartbeatTable || this.ports.tables().has(name),
    );
  }

  /** Streams what is committed and reads one window of a snapshot. Answers whether there was anything to do. */
  async step(): Promise<boolean> {
    const streamed = await this.stream();
    const window = await this.window();
    return window || streamed.length > 0;
  }

  private async stream(): Promise<readonly CommittedUnit[]> {
    const done: CommittedUnit[] = [];
    for (;;) {
      const units = await this.ports.log.read(this.commit);
      const last = units.at(-1);
      if (last === undefined) return done;
      await this.publish(units.flatMap((unit) => this.recordsOf(unit)));
      const incremental = [...this.state.incremental, ...this.signalsOf(units)];
      const change = last.changes.at(-1)?.sequence;
      this.state = {
        ...this.state,
        commit: String(last.commit),
        change: change === undefined ? this.state.change : String(change),
        incremental,
      };
      await this.save();
      done.push(...units);
    }
  }

  private recordsOf(unit: CommittedUnit): readonly OutgoingRecord[] {
    return unit.changes
      .filter(({ table }) => this.settings.tables.includes(`${table.schema}.${table.name}`))
      .flatMap((change) => changeRecords(this.origin, unit, change));
  }

  private signalsOf(units: readonly CommittedUnit[]): ConnectorState['incremental'] {
    return units
      .flatMap(({ changes }) => changes)
      .flatMap(({ table, before, after }) => {
        const signal =
          before === null && after !== null && `${table.schema}.${table.name}` === this.settings.signalTable;
        const parsed = signal ? parseSignal(after) : null;
        return parsed === null ? [] : [beginIncremental(parsed)];
      });
  }

  /**
   * One window of a snapshot, as Debezium's incremental ones: a chunk is read between two positions of the log, the
   * changes between them are streamed first, and rows whose keys they touch are left out, since the stream has them as
   * they are now. So nothing is locked, nothing is missed, and no older row follows a newer one.
   */
  private async window(): Promise<boolean> {
    const { snapshotted, incremental } = this.state;
    if (snapshotted && incremental.length === 0) return false;
    const ports: SnapshotPorts = {
      session: this.ports.session,
      origin: this.origin,
      settings: this.settings,
      tables: this.ports.tables(),
      settle: (table, rows) => this.settle(table, new Set(rows.map((row) => keyJson(table, row)))),
      initial: this.initial,
    };
    const { records, state, initial } = await nextWindow(ports, incremental[0] ?? null, snapshotted);
    await this.publish(records);
    // Signals may have come in while the window was open: they stand behind the first one.
    const rest = this.state.incremental.slice(incremental[0] === undefined ? 0 : 1);
    this.initial = initial;
    this.state = {
      ...this.state,
      snapshotted: snapshotted || initial === null,
      incremental: state === null ? rest : [state, ...rest],
    };
    await this.save();
    return true;
  }

  /**
   * Streams all that a chunk just read may hold. A transaction may have let go of a row, so that the chunk has it, and
   * not seem ended yet: those that touch the chunk's rows are waited for.
   */
  private async settle(table: Registered, keys: ReadonlySet<string>): ReturnType<SnapshotPorts['settle']> {
    const { log } = this.ports;
    const units: CommittedUnit[] = [];
    const turn = async (): Promise<void> => {
      await log.advance();
      units.push(...(await this.stream()));
    };
    await turn();
    let waiting = await log.unitsOn(table, keys);
    while (waiting.size > 0 && !this.ports.stopped()) {
      await turn();
      waiting = waiting.intersection(await log.unitsOn(table, keys));
    }
    const changes = units.flatMap((unit) => unit.changes);
    const touched = touchedKeys(changes, table);
    return { untouched: (row) => !touched.has(keyJson(table, row)), commit: this.commit };
  }

  /** How far the initial snapshot is. Not stored: one that is interrupted begins anew, as Debezium's does. */
  private initial: ConnectorState['incremental'][number] | null = null;

  private get origin(): Origin {
    const now = (): bigint => BigInt(Date.now()) * 1000n;
    return { prefix: this.settings.prefix, database: this.ports.database, now };
  }

  private async publish(records: readonly OutgoingRecord[]): Promise<void> {
    const { creation, notificationTopic, heartbeatTable, prefix } = this.settings;
    const own = new Set([notificationTopic, `${prefix}.${heartbeatTable}`]);
    // Runs of records of either kind, so that the order of a snapshot's rows and its notifications stays.
    for (let at = 0; at < records.length; ) {
      const isOwn = own.has(records[at]?.topic ?? '');
      let end = at;
      while (end < records.length && own.has(records[end]?.topic ?? '') === isOwn) end += 1;
      await this.ports.publisher.publish(
        records.slice(at, end),
        isOwn ? OWN_TOPICS : creation,
        this.ports.stopped,
      );
      at = end;
    }
  }

  private save(): Promise<void> {
    return this.file.save(this.state);
  }
}
