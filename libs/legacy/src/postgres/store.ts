import type { CanonicalDocument, DocumentKey } from '#core/document';
import { assert, FicusError } from '#core/errors';
import { keyText } from '#core/key';
import { keyFields, type Plan, tablesOf } from '#core/plan';
import type {
  LegacyStore,
  LogTraits,
  MarkedDocument,
  WriteCommand,
  WriteResult,
} from '#core/ports/legacy-store';
import type { ListQuery, Page } from '#core/query';
import { assertReadable, keyOf } from '#core/render';
import { parseText } from '#core/value';
import type { Position } from '#core/version';
import { pointersTo } from '../content.ts';
import { type Column, type PlanShape, readColumns, selectColumns, shapeOf } from './columns.ts';
import { Connections, type Session } from './connections.ts';
import { placeOfError, serverError } from './errors.ts';
import { selectPage } from './list-sql.ts';
import { formatLsn, parseLsn } from './lsn.ts';
import { lockChildren, lockRoot, selectByKey, selectByKeys } from './read-sql.ts';
import { readDocument } from './rows.ts';
import { type Row, type Statement, statement, tableName } from './statement.ts';
import { suspects } from './suspects.ts';
import { deleteDocument, insertEmbeds, insertRoot, updateDocument } from './write-sql.ts';

/** An exact count reads the whole table. */
const COUNT_MS = 600_000;
const QUICK_COUNT_MS = 3_000;

const UNIQUE_VIOLATION = '23505';
const QUERY_CANCELED = '57014';
/** Faults of a value that PostgreSQL reports without its column: too long, out of range, malformed. */
const VALUE_STATES = ['22001', '22003', '22007', '22008', '22P02'];

/** Those of the tables ($1 text[], `schema.table`) that have no primary key. */
const KEYLESS = `
SELECT n.nspname || '.' || c.relname
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname || '.' || c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'p')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)
ORDER BY 1`;

export interface PostgresSettings {
  /** postgres:// address of Ficus's own role. */
  readonly url: string;
  /** The forward connector's replication slot. */
  readonly slot: string;
}

/** A PostgreSQL database behind the legacy port. It connects when it is first asked something. */
export class PostgresStore implements LegacyStore {
  readonly system: string;
  readonly #slot: string;
  readonly #connections: Connections;
  /** What the database says about the tables, until a statement fails on it. */
  readonly #tables = new Map<string, readonly Column[]>();

  constructor(system: string, settings: PostgresSettings) {
    this.system = system;
    this.#slot = settings.slot;
    this.#connections = new Connections(system, settings.url);
  }

  async readOne(plan: Plan, key: DocumentKey): Promise<CanonicalDocument | null> {
    const shape = await this.#shape(plan);
    const [found] = await this.#documents(shape, selectByKey(shape, key));
    return found?.document ?? null;
  }

  async readMarked(plan: Plan, keys: readonly DocumentKey[]): Promise<readonly MarkedDocument[]> {
    if (keys.length === 0) return [];
    const shape = await this.#shape(plan);
    return await this.#documents(shape, selectByKeys(shape, keys));
  }

  async list(plan: Plan, query: ListQuery): Promise<Page> {
    const shape = await this.#shape(plan);
    const found = await this.#documents(shape, selectPage(shape, query));
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
        return await this.#update(shape, command.key, { ...command, unsent: 'kept' });
      case 'delete':
        return await this.#delete(shape, command.key);
    }
  }

  async count(plan: Plan): Promise<number> {
    return await this.#countWithin(plan.root.table, COUNT_MS);
  }

  async logTraits(tables: readonly string[]): Promise<LogTraits> {
    const described = readColumns(await this.#rows(selectColumns(tables)));
    const notInLog = [...described].flatMap(([table, columns]) =>
      columns.filter(({ generated }) => generated !== '').map(({ name: column }) => ({ table, column })),
    );
    const keyless = await this.#rows(statement(KEYLESS, [tables]));
    return { notInLog, keyless: keyless.map(([table = null]) => table ?? '') };
  }

  async countRows(table: string): Promise<number | null> {
    try {
      return await this.#countWithin(table, QUICK_COUNT_MS);
    } catch (error) {
      if (serverError(error)?.code === QUERY_CANCELED) return null;
      throw error;
    }
  }

  async mark(): Promise<Position> {
    const position = await this.#cell(statement('SELECT pg_current_wal_insert_lsn()::text'));
    await this.#rows(
      statement(
        'INSERT INTO ficus.heartbeat (id, at) VALUES (1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET at = excluded.at',
      ),
    );
    return parseLsn(position);
  }

  /** @throws FicusError `connector_failed` when the slot does not exist or has lost its place in the log. */
  async captured(position: Position): Promise<boolean> {
    assert(typeof position === 'bigint', `PostgreSQL's positions are numbers, not ${String(position)}`);
    const [row] = await this.#rows(
      statement(
        'SELECT (confirmed_flush_lsn >= $2::pg_lsn)::text, wal_status FROM pg_replication_slots WHERE slot_name = $1',
        [this.#slot, formatLsn(position)],
      ),
    );
    if (row === undefined || row[1] === 'lost') {
      const state = row === undefined ? 'does not exist' : 'has lost its place in the log';
      throw new FicusError(
        'connector_failed',
        `system ${this.system}: replication slot ${this.#slot} ${state}`,
      );
    }
    return row[0] === 'true';
  }

  async signalSnapshot(id: string, tables: readonly string[]): Promise<void> {
    const data = JSON.stringify({ type: 'incremental', 'data-collections': tables.map(collectionName) });
    await this.#rows(
      statement(
        `INSERT INTO ficus.signal (id, type, data) VALUES ($1, 'execute-snapshot', $2) ON CONFLICT (id) DO NOTHING`,
        [id, data],
      ),
    );
  }

  async now(): Promise<number> {
    const ms = await this.#cell(
      statement('SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint::text'),
    );
    return Number(ms);
  }

  async ping(): Promise<void> {
    await this.#rows(statement('SELECT 1'));
  }

  async close(): Promise<void> {
    await this.#connections.close();
  }

  async #insert(shape: PlanShape, document: CanonicalDocument): Promise<WriteResult> {
    const fields = keyFields(shape.plan.root);
    try {
      return await this.#change(shape, document, async (session) => {
        const [made = []] = await session.rows(insertRoot(shape, document.root));
        const key = fields.map((field, index) => parseText(field.type, made[index] ?? null));
        for (const one of insertEmbeds(shape, key, document.embeds)) await session.rows(one);
        return await settled(shape, session, key);
      });
    } catch (error) {
      if (serverError(error)?.code !== UNIQUE_VIOLATION) throw error;
      const key = keyOf(fields, document.root);
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
      const before = await locked(shape, session, key, Object.keys(after.embeds));
      if (before === null) return { kind: 'missing' };
      for (const one of updateDocument(shape, key, before, after)) await session.rows(one);
      return await settled(shape, session, key);
    });
  }

  async #delete(shape: PlanShape, key: DocumentKey): Promise<WriteResult> {
    return await this.#change(shape, { root: {}, embeds: {} }, async (session) => {
      const before = await locked(shape, session, key, []);
      if (before === null) return { kind: 'missing' };
      for (const one of deleteDocument(shape, key)) await session.rows(one);
      return { kind: 'done', document: null, position: versionOf(shape, before, await settle(session)) };
    });
  }

  /** One transaction; an error about a value names the columns it may be about. */
  async #change(
    shape: PlanShape,
    written: Parameters<typeof suspects>[1],
    work: (session: Session) => Promise<WriteResult>,
  ): Promise<WriteResult> {
    try {
      return await this.#noticing(() => this.#connections.transaction(work));
    } catch (error) {
      const known = serverError(error);
      if (!(error instanceof FicusError) || known === null || error.code !== 'legacy_constraint') throw error;
      const place = placeOfError(known);
      const pointers = place === null ? [] : pointersTo(shape.plan, place.table, place.columns);
      const columns = VALUE_STATES.includes(known.code ?? '') ? suspects(shape, written, known.message) : [];
      const hint = columns.length === 0 ? '' : `; column ${columns.join(' or ')}`;
      const faults = pointers.map((pointer) => ({ pointer, message: known.message }));
      throw new FicusError(error.code, `${error.message}${hint}`, { cause: known, faults });
    }
  }

  async #countWithin(table: string, statementMs: number): Promise<number> {
    const counted = statement(`SELECT count(*)::text FROM ${tableName(table)}`);
    const rows = await this.#connections.transaction((session) => session.rows(counted), { statementMs });
    return Number(rows[0]?.[0]);
  }

  async #documents(shape: PlanShape, one: Statement): Promise<readonly MarkedDocument[]> {
    const rows = await this.#rows(one);
    return rows.map((row) => readDocument(shape, row));
  }

  async #cell(one: Statement): Promise<string> {
    const [row] = await this.#rows(one);
    return row?.[0] ?? '';
  }

  async #rows(one: Statement): Promise<readonly Row[]> {
    return await this.#noticing(() => this.#connections.rows(one));
  }

  /** A statement that fails on a table's definition may mean that the table has changed since it was asked about. */
  async #noticing<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (/^(42|0A)/.test(serverError(error)?.code ?? '')) this.#tables.clear();
      throw error;
    }
  }

  async #shape(plan: Plan): Promise<PlanShape> {
    const tables = tablesOf(plan);
    if (tables.every((table) => this.#tables.has(table))) {
      try {
        return shapeOf(plan, this.#tables);
      } catch {
        // The plan may know a column that is newer than what is remembered.
      }
    }
    const described = readColumns(await this.#rows(selectColumns(tables)));
    for (const [table, columns] of described) this.#tables.set(table, columns);
    return shapeOf(plan, described);
  }
}

async function locked(
  shape: PlanShape,
  session: Session,
  key: DocumentKey,
  embeds: readonly string[],
): Promise<CanonicalDocument | null> {
  const held = await session.rows(lockRoot(shape, key));
  if (held.length === 0) return null;
  for (const embed of shape.embeds)
    if (embeds.includes(embed.mapping.path)) await session.rows(lockChildren(shape, embed, key));
  return await read(shape, session, key);
}

async function read(shape: PlanShape, session: Session, key: DocumentKey): Promise<CanonicalDocument | null> {
  const [row] = await session.rows(selectByKey(shape, key));
  return row === undefined ? null : readDocument(shape, row).document;
}

/** The document as this transaction leaves it, with its position; one that nobody could be shown is not left. */
async function settled(shape: PlanShape, session: Session, key: DocumentKey): Promise<WriteResult> {
  const position = await settle(session);
  const document = await read(shape, session, key);
  if (document !== null) assertReadable(document);
  return { kind: 'done', document, position: versionOf(shape, document, position) };
}

/** Lets deferred constraints and triggers speak now, while they can still be answered for, and takes the position. */
async function settle(session: Session): Promise<bigint> {
  const results = await session.script(
    'SET CONSTRAINTS ALL IMMEDIATE; SELECT pg_current_wal_insert_lsn()::text',
  );
  return parseLsn(results[1]?.[0]?.[0] ?? '');
}

function versionOf(shape: PlanShape, document: CanonicalDocument | null, log: bigint): Position | null {
  const { version, root } = shape.plan;
  if (version.kind === 'lsn') return log;
  const field = root.fields.find((candidate) => candidate.column === version.column);
  const value = field === undefined ? null : (document?.root[field.path] ?? null);
  return value === null ? null : BigInt(String(value));
}

/** As Debezium matches it: a part with anything but letters, digits and underscores stands in double quotes. */
function collectionName(table: string): string {
  return table
    .split('.')
    .map((part) => (/^\w+$/.test(part) ? part : `"${part}"`))
    .join('.');
}
