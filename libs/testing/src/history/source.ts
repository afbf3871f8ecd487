import type { RowChange } from '#core/apply';
import { type ChangeEvent, UNAVAILABLE } from '#core/change-event';
import type { CanonicalDocument } from '#core/document';
import type { Position } from '#core/version';
import { wire } from '../an-event.ts';
import { LogModel } from './log.ts';
import { contentOf, isVersioned, KEYS, type Ordering, type Row, type TableName, TEXTS } from './shape.ts';

interface Statement {
  readonly table: TableName;
  readonly op: 'create' | 'update' | 'delete';
  readonly key: number;
  readonly before: Row | null;
  /** As the log has it: a value may be UNAVAILABLE. */
  readonly after: Readonly<Record<string, unknown>> | null;
  readonly lsn: bigint;
}

interface Transaction {
  /** Rows that it has written; null: deleted. It holds their locks. */
  readonly rows: Map<string, Row | null>;
  /** The last version that a row of it had, which is a deletion's too. */
  readonly versions: Map<string, string>;
  readonly statements: Statement[];
}

interface Chunk {
  readonly table: TableName;
  /** Rows that have changed while the window was open. */
  readonly changed: Set<string>;
  rows: readonly Row[];
}

export interface Put {
  readonly table: TableName;
  readonly key: number;
  /** Of a child. */
  readonly parent: number;
  readonly value: number;
  /** Does the statement set the large column? */
  readonly touches: boolean;
  /** Does the log carry the large column, whether it changed or not? */
  readonly carries: boolean;
}

export interface SourceSettings {
  readonly ordering: Ordering;
  /** Is the version set by an AFTER trigger? Then each change is two events, the first with the old version or none. */
  readonly trigger: boolean;
  /** Does the connector begin with a snapshot of everything, as with `snapshot.mode=initial`? */
  readonly initial: boolean;
}

/**
 * A model of a legacy database and its connector: transactions with row locks, some of them the API's own direct
 * writes; a log in commit order whose positions are those of the statements; snapshots in one piece or in chunks; a
 * connector that begins some time, repeats itself after a crash, and may lose its place, also since another database is
 * there or topics were made anew. A row's events go to the partition of its key.
 */
export class SourceModel {
  readonly log = new LogModel();
  /** What the API has committed and will write to MongoDB by itself, sooner or later. */
  readonly direct: RowChange[] = [];
  readonly #settings: SourceSettings;
  readonly #rows = new Map<string, Row>();
  readonly #open = new Map<number, Transaction>();
  /** Events of each transaction that the connector has sent. */
  readonly #sent: ChangeEvent[][] = [];
  #chunk: Chunk | null = null;
  #captures = false;
  /** It has lost its place in the log, and what is committed until it begins again will never be in it. */
  #isBlind = false;
  /** It is to begin again in a new epoch. */
  #isOther = false;
  /** The rows as they were when the connector began last. */
  #backup: ReadonlyMap<string, Row> = new Map();
  #lsn = 0n;
  #sequence = 0n;

  constructor(settings: SourceSettings) {
    this.#settings = settings;
  }

  rows(table: TableName): readonly Row[] {
    return [...this.#rows].filter(([name]) => name.startsWith(`${table}/`)).map(([, row]) => row);
  }

  /** As a legacy store reads it: the row and its children in one snapshot; without the row, nothing. */
  document(id: number): CanonicalDocument | null {
    const root = this.#rows.get(`parent/${id}`);
    if (root === undefined) return null;
    const children = this.rows('child').filter((row) => row.parent === id);
    return { root, embeds: { rows: children.map((row) => contentOf('child', row)) } };
  }

  put(at: number, { table, key, parent, value, touches, carries }: Put): void {
    if (!this.#free(at, [name(table, key)])) return;
    const before = this.#seen(at, name(table, key));
    const row: Record<string, string | number> = { [KEYS[table]]: key };
    if (table === 'child') row.parent = parent;
    row[table === 'parent' ? 'small' : 'v'] = value;
    const text = before === null || touches ? `text ${value}` : String(before[TEXTS[table]]);
    row[TEXTS[table]] = text;
    this.#write(at, table, key, row, carries || before?.[TEXTS[table]] !== text);
  }

  drop(at: number, table: TableName, key: number): void {
    const before = this.#free(at, [name(table, key)]) ? this.#seen(at, name(table, key)) : null;
    if (before === null) return;
    this.#log(at, { table, op: 'delete', key, before, after: null, lsn: this.#nextLsn() });
    this.#transaction(at).rows.set(name(table, key), null);
  }

  /** Gives a row another key: the log has a deletion and a creation at one position. */
  rename(at: number, table: TableName, [from, to]: readonly [number, number], carries: boolean): void {
    if (!this.#free(at, [name(table, from), name(table, to)])) return;
    const before = this.#seen(at, name(table, from));
    if (before === null || this.#seen(at, name(table, to)) !== null) return;
    const lsn = this.#nextLsn();
    this.#log(at, { table, op: 'delete', key: from, before, after: null, lsn });
    this.#transaction(at).rows.set(name(table, from), null);
    this.#write(at, table, to, { ...before, [KEYS[table]]: to }, carries, lsn);
  }

  /** New rows at one position, as a COPY makes them. */
  copy(at: number, keys: readonly number[], value: number): void {
    const fresh = keys.filter(
      (key) => this.#free(at, [name('parent', key)]) && this.#seen(at, name('parent', key)) === null,
    );
    const lsn = this.#nextLsn();
    for (const key of fresh)
      this.#write(at, 'parent', key, { id: key, small: value, big: `text ${value}` }, true, lsn);
  }

  /** @param direct the transaction is the API's, which writes to MongoDB too. */
  commit(at: number, direct: boolean): void {
    const transaction = this.#open.get(at);
    if (transaction === undefined) return;
    this.#open.delete(at);
    // The API writes on its own only once the unit is captured, and not on Db2 without a version column.
    if (direct && (this.#captures || this.#isBlind) && this.#settings.ordering !== 'db2')
      this.#writeDirectly(transaction);
    for (const [row, value] of transaction.rows) {
      if (value === null) this.#rows.delete(row);
      else this.#rows.set(row, value);
    }
    const commit = this.#nextLsn();
    const events = transaction.statements.map((statement) => this.#eventOf(statement, commit));
    if (!this.#captures) return;
    this.#sent.push(events);
    for (const event of events) this.log.push(event);
    for (const { table, key } of transaction.statements) this.#chunk?.changed.add(name(table, key));
  }

  rollback(at: number): void {
    this.#open.delete(at);
  }

  /** The connector begins: what was committed before is not in its log. */
  capture(): void {
    if (this.#captures) return;
    this.#captures = true;
    if (this.#isBlind) this.log.endHere();
    if (this.#isOther) this.log.openEpoch();
    this.#isBlind = false;
    this.#isOther = false;
    this.#backup = new Map(this.#rows);
    if (!this.#settings.initial) return;
    const position = this.#pair(this.#nextLsn(), 0n);
    for (const table of ['parent', 'child'] as const) this.#sendRows(table, this.rows(table), position);
  }

  /**
   * The connector loses its place and has to begin anew. A snapshot does not tell of what is deleted or moved until it
   * does: that is found by where the log ended.
   */
  lose(): void {
    if (!this.#captures) return;
    this.#captures = false;
    this.#isBlind = true;
    this.#chunk = null;
    this.#sent.length = 0;
  }

  /** An operator has the connector begin anew in a new epoch. */
  renew(): void {
    if (!this.#captures) return;
    this.lose();
    this.#isOther = true;
  }

  /** An older copy of the database takes its place: with positions and versions that were there before. */
  replace(): void {
    if (!this.#captures) return;
    this.renew();
    this.#open.clear();
    this.#rows.clear();
    for (const [row, value] of this.#backup) this.#rows.set(row, value);
    this.#lsn = 0n;
    this.#sequence = 0n;
    for (const { rv = 0 } of this.#rows.values())
      if (BigInt(String(rv)) > this.#sequence) this.#sequence = BigInt(String(rv));
  }

  openChunk(table: TableName): void {
    if (this.#captures) this.#chunk = { table, changed: new Set(), rows: [] };
  }

  readChunk(): void {
    if (this.#chunk !== null) this.#chunk.rows = this.rows(this.#chunk.table);
  }

  closeChunk(): void {
    if (this.#chunk === null) return;
    const { table, changed, rows } = this.#chunk;
    this.#chunk = null;
    const unchanged = rows.filter((row) => !changed.has(name(table, Number(row[KEYS[table]]))));
    this.#sendRows(table, unchanged, this.#settings.ordering === 'db2' ? null : this.#lsn);
  }

  /** A connector that was killed sends its last transactions again, and begins its chunk again some time. */
  restart(back: number): void {
    this.#chunk = null;
    for (const event of back === 0 ? [] : this.#sent.slice(-back).flat()) this.log.push(event);
  }

  /** Ends what is open and sees to it that every row was in the log once. */
  finish(): void {
    for (const at of [...this.#open.keys()]) this.commit(at, false);
    this.capture();
    if (this.log.isUnbegun) {
      this.renew();
      this.capture();
    }
    if (this.#settings.initial) return;
    for (const table of ['parent', 'child'] as const) {
      this.openChunk(table);
      this.readChunk();
      this.closeChunk();
    }
  }

  #transaction(at: number): Transaction {
    const open = this.#open.get(at) ?? { rows: new Map(), versions: new Map(), statements: [] };
    this.#open.set(at, open);
    return open;
  }

  #free(at: number, names: readonly string[]): boolean {
    return [...this.#open].every(([other, { rows }]) => other === at || !names.some((one) => rows.has(one)));
  }

  #seen(at: number, row: string): Row | null {
    const own = this.#open.get(at)?.rows.get(row);
    return own === undefined ? (this.#rows.get(row) ?? null) : own;
  }

  #nextLsn(): bigint {
    this.#lsn += 2n;
    return this.#lsn;
  }

  #write(
    at: number,
    table: TableName,
    key: number,
    values: Row,
    carries: boolean,
    lsn = this.#nextLsn(),
  ): void {
    const { ordering, trigger } = this.#settings;
    const before = this.#seen(at, name(table, key));
    const op = before === null ? 'create' : 'update';
    const has = carries || ordering === 'db2';
    const sent = (row: Row) => (has ? row : { ...row, [TEXTS[table]]: UNAVAILABLE });
    if (!isVersioned(ordering, table)) {
      this.#log(at, { table, op, key, before, after: sent(values), lsn });
      this.#transaction(at).rows.set(name(table, key), values);
      return;
    }
    this.#sequence += 1n;
    const row = { ...values, rv: String(this.#sequence) };
    if (trigger) {
      const unset = { ...values, rv: before?.rv ?? values.rv ?? null };
      this.#log(at, { table, op, key, before, after: sent(unset), lsn });
      this.#log(at, { table, op: 'update', key, before: unset, after: sent(row), lsn: this.#nextLsn() });
    } else {
      this.#log(at, { table, op, key, before, after: sent(row), lsn });
    }
    this.#transaction(at).rows.set(name(table, key), row);
    this.#transaction(at).versions.set(name(table, key), row.rv);
  }

  #log(at: number, statement: Statement): void {
    const { table, key, before } = statement;
    this.#transaction(at).statements.push(statement);
    if (typeof before?.rv === 'string') this.#transaction(at).versions.set(name(table, key), before.rv);
  }

  #writeDirectly({ rows, versions }: Transaction): void {
    // Read after the change: above the positions of its own rows, below those of the next change.
    const written = this.#lsn + 1n;
    const { epoch } = this.log;
    for (const [row, after] of rows) {
      const before = this.#rows.get(row) ?? null;
      const table = row.startsWith('parent/') ? 'parent' : 'child';
      const versioned = isVersioned(this.#settings.ordering, table);
      const position = versioned ? BigInt(versions.get(row) ?? 0) : written;
      const change = (of: Row, effect: RowChange['effect']): RowChange => ({
        key: [(table === 'parent' ? of.id : of.parent) ?? null],
        embed: table === 'parent' ? null : { path: 'rows', childKey: [of.no ?? null] },
        evidence: { kind: 'direct', epoch, position },
        committedAt: null,
        effect,
      });
      const content = (of: Row) => ({ [KEYS[table]]: of[KEYS[table]] ?? null });
      if (before !== null && (after === null || after.parent !== before.parent))
        this.direct.push(change(before, { kind: 'delete', content: content(before), tiesWin: versioned }));
      if (after === null) continue;
      const effect = { content: contentOf(table, after), unavailable: [], unmapped: {} };
      this.direct.push(change(after, { kind: 'upsert', ...effect }));
    }
  }

  #pair(commit: bigint, change: bigint): Position {
    const hex = (value: bigint) => value.toString(16).padStart(8, '0');
    return this.#settings.ordering === 'db2' ? `${hex(commit)}/${hex(change)}` : commit;
  }

  #eventOf({ table, op, key, before, after, lsn }: Statement, commit: bigint): ChangeEvent {
    const isFull = table === 'child' || this.#settings.ordering !== 'lsn';
    const own = { [KEYS[table]]: key };
    const image = before === null || isFull ? before : op === 'delete' ? own : null;
    return {
      ...this.#bare(table, key, op),
      position: this.#settings.ordering === 'db2' ? this.#pair(commit, lsn) : lsn,
      before: image === null ? null : wire(image),
      after: after === null ? null : wire(after),
    };
  }

  #sendRows(table: TableName, rows: readonly Row[], position: Position | null): void {
    for (const row of rows)
      this.log.push({ ...this.#bare(table, Number(row[KEYS[table]]), 'read'), after: wire(row), position });
  }

  #bare(table: TableName, key: number, op: ChangeEvent['op']): ChangeEvent {
    return {
      table: `s.${table}`,
      op,
      key: wire({ [KEYS[table]]: key }),
      before: null,
      after: null,
      position: null,
      calendar: 'proleptic',
      committedAt: null,
      log: { incarnation: 1, partition: this.log.partitionOf(key), offset: 0n },
    };
  }
}

function name(table: TableName, key: number): string {
  return `${table}/${key}`;
}
