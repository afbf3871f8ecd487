import type { CanonicalDocument, DocumentKey } from '#core/document';
import { assert, FicusError } from '#core/errors';
import { keyText } from '#core/key';
import { type Plan, tablesOf } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type {
  LegacyStore,
  LogTraits,
  MarkedDocument,
  WriteCommand,
  WriteResult,
} from '#core/ports/legacy-store';
import type { ListQuery, Page } from '#core/query';
import type { Position } from '#core/version';
import { committedOffset, positionText } from './capture-position.ts';
import { type Column, type PlanShape, readColumn, selectColumns, shapeOf } from './columns.ts';
import {
  documents,
  documentsByKeys,
  insertedKey,
  KEYS_AT_ONCE,
  locked,
  roots,
  run,
  settled,
  versionOf,
} from './documents.ts';
import type { Db2Session, Row } from './driver.ts';
import { Pool } from './pool.ts';
import { selectPage } from './read-sql.ts';
import { rootKey } from './rows.ts';
import { stateOf } from './sqlstate.ts';
import { tableName } from './statement.ts';
import { suspects } from './suspects.ts';
import { deleteDocument, insertEmbeds, insertRoot, updateDocument } from './write-sql.ts';

const UNIQUE_VIOLATION = '23505';
const QUICK_COUNT_MS = 5_000;
const COUNT_MS = 600_000;
/** Of one transaction. Reads hold share locks, so even one of them may be chosen as a deadlock's victim. */
const ATTEMPTS = 4;
const MARK_MS = 20_000;
const MARK_POLL_MS = 25;
/** The heartbeat's row that `mark` writes; the connector's own beats in another. */
const MARK_ROW = '2';

export interface Db2Settings {
  /** IBM's connection string of Ficus's own user. */
  readonly url: string;
  /** Kafka Connect's REST, and the name of the forward connector there. */
  readonly connect: string;
  readonly connector: string;
  /** Schema of SQL Replication's control tables. */
  readonly controlSchema?: string;
}

/**
 * A Db2 database behind the legacy port, by IBM's own driver. It connects when it is first asked something.
 *
 * What it needs of the database: SYSCAT's views, row locks, and for `mark` the control tables of SQL Replication with
 * the heartbeat's table registered. Timestamps are taken as UTC, so the server must run in it.
 */
export class Db2Store implements LegacyStore {
  readonly system: string;
  readonly #settings: Db2Settings;
  readonly #clock: Clock;
  readonly #pool: Pool;
  readonly #tables = new Map<string, readonly Column[]>();

  constructor(system: string, settings: Db2Settings, clock: Clock) {
    this.system = system;
    this.#settings = settings;
    this.#clock = clock;
    this.#pool = new Pool(settings.url, clock);
  }

  async readOne(plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null> {
    const [found] = await this.readMarked(plan, [key]);
    return found?.document ?? null;
  }

  async readMarked(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly MarkedDocument[]> {
    const shape = await this.#shape(plan);
    const found: MarkedDocument[] = [];
    for (let at = 0; at < keys.length; at += KEYS_AT_ONCE) {
      const part = keys.slice(at, at + KEYS_AT_ONCE);
      found.push(...(await this.#transaction((session) => documentsByKeys(shape, session, part))));
    }
    return found;
  }

  async list(plan: Plan, query: ListQuery): Promise<Page> {
    const shape = await this.#shape(plan);
    const found = await this.#transaction(async (session) =>
      documents(shape, session, await roots(shape, session, selectPage(shape, query))),
    );
    return {
      documents: found.slice(0, query.limit).map(({ document }) => document),
      more: found.length > query.limit,
    };
  }

  async write(plan: Plan, command: WriteCommand): Promise<WriteResult> {
    const shape = await this.#shape(plan);
    switch (command.kind) {
      case 'insert':
        return await this.#insert(shape, command.document);
      case 'replace': {
        // An array that the client left out is an empty one: a replaced document holds what was sent and no more.
        const none = Object.fromEntries(plan.embeds.map((embed) => [embed.path, []]));
        const embeds = { ...none, ...command.document.embeds };
        return await this.#update(shape, command.key, {
          root: command.document.root,
          embeds,
          unsent: 'default',
        });
      }
      case 'patch':
        return await this.#update(shape, command.key, {
          root: command.root,
          embeds: command.embeds,
          unsent: 'kept',
        });
      case 'delete':
        return await this.#delete(shape, command.key);
    }
  }

  async count(plan: Plan): Promise<number> {
    return await this.#countWithin(plan.root.table, COUNT_MS);
  }

  /** SQL Replication captures computed columns like any other; a table without a primary key is no plan's. */
  async logTraits(): Promise<LogTraits> {
    return { notInLog: [], keyless: [] };
  }

  async countRows(table: string): Promise<number | null> {
    try {
      return await this.#countWithin(table, QUICK_COUNT_MS);
    } catch (error) {
      if (error instanceof FicusError && error.message.includes('did not answer within')) return null;
      throw error;
    }
  }

  /**
   * Writes a row of the heartbeat and waits until the capture has given that commit its position: whatever committed
   * before the call lies below it.
   * @throws FicusError `connector_failed` when the heartbeat is not captured.
   */
  async mark(): Promise<Position> {
    const written = await this.#pool.transaction(async (session) => {
      const beat = `UPDATE FICUS.HEARTBEAT SET "AT" = CURRENT TIMESTAMP WHERE ID = ${MARK_ROW}`;
      if ((await session.execute(beat)) === 0) {
        await session.execute(
          `INSERT INTO FICUS.HEARTBEAT (ID, "AT") VALUES (${MARK_ROW}, CURRENT TIMESTAMP)`,
        );
      }
      const [row] = await session.query(`SELECT "AT" AS V FROM FICUS.HEARTBEAT WHERE ID = ${MARK_ROW}`);
      return String(row?.['V']);
    });
    const changes = await this.#changeTable('FICUS', 'HEARTBEAT');
    const deadline = this.#clock.now() + MARK_MS;
    while (this.#clock.now() < deadline) {
      const [row] = await this.#query(
        `SELECT MAX(HEX(IBMSNAP_COMMITSEQ)) AS P FROM ${changes}
         WHERE ID = ${MARK_ROW} AND IBMSNAP_OPERATION = 'I' AND "AT" >= CAST(? AS TIMESTAMP)`,
        [written],
      );
      if (typeof row?.['P'] === 'string') return positionText(row['P'], '');
      await this.#clock.sleep(MARK_POLL_MS);
    }
    throw new FicusError(
      'connector_failed',
      `system ${this.system}: a heartbeat was not captured within ${MARK_MS / 1000} s; is the capture running?`,
      { retryable: true },
    );
  }

  async captured(position: Position): Promise<boolean> {
    assert(typeof position === 'string', `Db2's positions are texts, not ${String(position)}`);
    const committed = await committedOffset(this.#settings.connect, this.#settings.connector);
    return committed !== null && committed >= position;
  }

  async signalSnapshot(id: string, tables: readonly string[]): Promise<void> {
    const data = JSON.stringify({ type: 'incremental', 'data-collections': tables });
    try {
      await this.#pool.use((session) =>
        session.execute(`INSERT INTO FICUS.SIGNAL (ID, TYPE, DATA) VALUES (?, 'execute-snapshot', ?)`, [
          id,
          data,
        ]),
      );
    } catch (error) {
      if (stateOf(error) !== UNIQUE_VIOLATION) throw error;
    }
  }

  async now(): Promise<number> {
    const [row] = await this.#query('SELECT CURRENT TIMESTAMP AS V FROM SYSIBM.SYSDUMMY1');
    return Date.parse(`${String(row?.['V']).replace(' ', 'T').slice(0, 23)}Z`);
  }

  async ping(): Promise<void> {
    await this.#query('SELECT 1 AS V FROM SYSIBM.SYSDUMMY1');
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #insert(shape: PlanShape, document: CanonicalDocument): Promise<WriteResult> {
    try {
      return await this.#change(shape, document, async (session) => {
        await run(session, insertRoot(shape, document.root));
        const key = await insertedKey(shape, session, document);
        for (const statement of insertEmbeds(shape, key, document.embeds)) await run(session, statement);
        return await settled(shape, session, key);
      });
    } catch (error) {
      if (stateOf(error) !== UNIQUE_VIOLATION) throw error;
      const key = rootKey(shape, { content: document.root });
      if ((await this.readOne(shape.plan, key)) === null) throw error;
      throw new FicusError(
        'document_exists',
        `${shape.plan.unit} has a document with the key ${keyText(key)}`,
        {
          cause: error,
        },
      );
    }
  }

  async #update(
    shape: PlanShape,
    key: DocumentKey,
    after: Parameters<typeof updateDocument>[3],
  ): Promise<WriteResult> {
    return await this.#change(shape, after, async (session) => {
      const before = await locked(shape, session, key);
      if (before === null) return { kind: 'missing' };
      for (const statement of updateDocument(shape, key, before, after)) await run(session, statement);
      return await settled(shape, session, key);
    });
  }

  async #delete(shape: PlanShape, key: DocumentKey): Promise<WriteResult> {
    return await this.#transaction(async (session) => {
      const before = await locked(shape, session, key);
      if (before === null) return { kind: 'missing' };
      for (const statement of deleteDocument(shape, key)) await run(session, statement);
      return { kind: 'done', document: null, position: versionOf(shape, before) };
    });
  }

  /** One transaction; an error about a value names the members it may be about, since Db2 does not. */
  async #change(
    shape: PlanShape,
    written: Parameters<typeof suspects>[1],
    work: (session: Db2Session) => Promise<WriteResult>,
  ): Promise<WriteResult> {
    try {
      return await this.#transaction(work);
    } catch (error) {
      if (!(error instanceof FicusError) || error.code !== 'legacy_constraint') throw error;
      const faults = stateOf(error)?.startsWith('22') ? suspects(shape, written) : [];
      throw new FicusError(error.code, `system ${this.system}: ${error.message}`, { cause: error, faults });
    }
  }

  /** A deadlock's victim has done nothing: it is simply made again. */
  async #transaction<T>(work: (session: Db2Session) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#noticing(() => this.#pool.transaction(work));
      } catch (error) {
        const lost = error instanceof FicusError && stateOf(error) === '40001';
        if (!lost || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #countWithin(table: string, ms: number): Promise<number> {
    const counted = `SELECT COUNT(*) AS N FROM ${tableName(table)} WITH UR`;
    const [row] = await this.#pool.use((session) => session.query(counted), ms);
    return Number(row?.['N']);
  }

  async #query(text: string, parameters: readonly string[] = []): Promise<readonly Row[]> {
    return await this.#pool.use((session) => session.query(text, parameters));
  }

  async #changeTable(schema: string, table: string): Promise<string> {
    const control = this.#settings.controlSchema ?? 'ASNCDC';
    const [row] = await this.#query(
      `SELECT CD_OWNER, CD_TABLE FROM ${control}.IBMSNAP_REGISTER WHERE SOURCE_OWNER = ? AND SOURCE_TABLE = ?`,
      [schema, table],
    );
    if (row === undefined) {
      throw new FicusError(
        'connector_failed',
        `system ${this.system}: ${schema}.${table} is not registered in ${control}.IBMSNAP_REGISTER, so its changes are not captured`,
      );
    }
    return tableName(`${String(row['CD_OWNER']).trim()}.${String(row['CD_TABLE']).trim()}`);
  }

  /** A statement that fails on a table's definition may mean that the table has changed since it was asked about. */
  async #noticing<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (stateOf(error)?.startsWith('42')) this.#tables.clear();
      throw error;
    }
  }

  async #shape(plan: Plan): Promise<PlanShape> {
    for (const table of tablesOf(plan)) {
      if (this.#tables.has(table)) continue;
      const { text, parameters } = selectColumns(table);
      const rows = await this.#pool.use((session) => session.query(text, parameters));
      if (rows.length > 0) this.#tables.set(table, rows.map(readColumn));
    }
    return shapeOf(plan, this.#tables);
  }
}
