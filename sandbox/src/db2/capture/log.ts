import type { Db2Session, Row } from '#legacy/db2/driver';
import { CONTROL_SCHEMA } from '../control.ts';
import { type Change, type LogRow, toChanges, type Unit } from './change.ts';
import { keyJson, micros, type RowImage, selected, type Value } from './column.ts';
import {
  endedUnits,
  Floor,
  greatest,
  inFlightUnits,
  isOvertaken,
  type Looks,
  least,
  mergeSightings,
  type Sighting,
} from './order.ts';
import type { Registered } from './registration.ts';

/** A committed transaction with its changes. */
export interface CommittedUnit extends Unit {
  readonly changes: readonly Change[];
}

const UNITS_AT_ONCE = 500;
const COMMITS_AT_ONCE = 25;
/** How long Derby may take from a commit's last lock to its end. */
const OVERTAKEN_MS = 5;
/** Positions behind the floor after which nothing about a transaction is remembered. */
const FORGOTTEN_AFTER = 10_000n;
/** Committed rows stay this long, for whoever looks a commit position up in the change tables. */
const KEPT_MS = 60_000;

/**
 * The log of the stand-in, over one session of its own: gives transactions their commit positions (order.ts), stores
 * these before anything is told of them, and reads the log in that order. Reads are uncommitted reads throughout, so
 * that no writer ever waits for the capture.
 */
export class ChangeLog {
  private readonly session: Db2Session;
  private readonly floor = new Floor();
  private committed: Map<string, bigint> | null = null;
  private tables: readonly Registered[] = [];
  private quietAt: bigint | null = null;
  /** Tables in which this process saw a transaction; one of an earlier process is looked for in all. */
  private readonly seenIn = new Map<string, Set<Registered>>();

  constructor(session: Db2Session) {
    this.session = session;
  }

  /** To be called with all registered tables whenever there is a new one. */
  watch(tables: readonly Registered[]): void {
    this.tables = tables;
    this.seenIn.clear();
    this.quietAt = null;
  }

  /** Whatever committed before the call has its position afterwards. */
  async advance(): Promise<void> {
    while (this.tables.length > 0 && (await this.pass()) === 'overtaken') await pause(OVERTAKEN_MS);
  }

  /**
   * Transactions without a position that have changed one of these rows: they are in flight, or have ended so lately
   * that no pass has seen them yet.
   */
  async unitsOn(table: Registered, keys: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    const known = await this.knownCommits();
    const rows = await this.session.query(
      `SELECT IBMSNAP_INTENTSEQ, IBMSNAP_UOWID, ${columnsOf(table)} FROM ${table.log}
       WHERE IBMSNAP_INTENTSEQ >= CAST(? AS BIGINT) WITH UR`,
      [String(this.floor.current)],
    );
    const open = rows.filter((row) => {
      const committed = known.get(String(row['IBMSNAP_UOWID'])) ?? -1n;
      return whole(row['IBMSNAP_INTENTSEQ']) > committed && keys.has(keyJson(table, imageOf(table, row)));
    });
    return new Set(open.map((row) => String(row['IBMSNAP_UOWID'])));
  }

  private async pass(): Promise<'done' | 'overtaken'> {
    const limit = await this.peek();
    if (limit === this.quietAt) return 'done';
    const first = await this.look();
    const active = await this.activeUnits();
    const firstLook = new Set(first.map(({ unit }) => unit));
    const candidates = [...firstLook].some((unit) => !active.has(unit));
    const looks: Looks = { limit, firstLook, active, secondLook: candidates ? await this.look() : [] };
    const known = await this.knownCommits();
    const ended = endedUnits(looks, known);
    if (await this.overtaken(inFlightUnits(looks, known, ended), ended)) return 'overtaken';
    if (ended.length > 0) await this.commit(ended, known);
    this.floor.passed(limit, active);
    // Nothing in flight and nothing new: until the sequence moves there is nothing to look at.
    this.quietAt = ended.length === 0 && active.size === 0 && this.floor.current === limit ? limit : null;
    return 'done';
  }

  /** Has an ended transaction a later change of a row that one in flight has changed? */
  private async overtaken(inFlight: readonly Sighting[], ended: readonly Sighting[]): Promise<boolean> {
    if (inFlight.length === 0 || ended.length === 0) return false;
    const before = new Set(inFlight.map(({ unit }) => unit));
    const after = new Set(ended.map(({ unit }) => unit));
    const from = least(...inFlight.map(({ first }) => first));
    for (const table of this.tables) {
      const places = (units: ReadonlySet<string>): boolean =>
        [...units].some((unit) => this.seenIn.get(unit)?.has(table));
      if (table.key.length === 0 || !places(before) || !places(after)) continue;
      const rows = await this.session.query(
        `SELECT IBMSNAP_INTENTSEQ, IBMSNAP_UOWID, ${columnsOf(table)} FROM ${table.log}
         WHERE IBMSNAP_INTENTSEQ >= CAST(? AS BIGINT) WITH UR`,
        [String(from)],
      );
      const changes = rows.map((row) => ({
        key: keyJson(table, imageOf(table, row)),
        sequence: whole(row['IBMSNAP_INTENTSEQ']),
        unit: String(row['IBMSNAP_UOWID']),
      }));
      if (isOvertaken(changes, before, after)) return true;
    }
    return false;
  }

  /** The highest commit position given so far; 0 at the very start. */
  async position(): Promise<bigint> {
    const [row] = await this.session.query(
      `SELECT CHAR(COALESCE(MAX(IBMSNAP_COMMITSEQ), 0)) AS N FROM ${CONTROL_SCHEMA}.IBMSNAP_UOW WITH UR`,
    );
    const stored = BigInt(String(row?.['N'] ?? '0').trim());
    if (stored > 0n) return stored;
    // All are pruned: any number below the next one drawn stands behind them.
    return (await this.peek()) - 1n;
  }

  /** Transactions behind a position, in order. */
  async read(after: bigint): Promise<readonly CommittedUnit[]> {
    const units = await this.session.query(
      `SELECT CHAR(IBMSNAP_COMMITSEQ) AS C, IBMSNAP_UOWID AS U, CHAR(IBMSNAP_FIRSTSEQ) AS F, CHAR(IBMSNAP_LASTSEQ) AS L, IBMSNAP_LOGMARKER AS M
       FROM ${CONTROL_SCHEMA}.IBMSNAP_UOW WHERE IBMSNAP_COMMITSEQ > CAST(? AS BIGINT)
       ORDER BY IBMSNAP_COMMITSEQ FETCH FIRST ${UNITS_AT_ONCE} ROWS ONLY`,
      [String(after)],
    );
    if (units.length === 0) return [];
    const spans = units.map((row) => ({
      commit: whole(row['C']),
      unit: String(row['U']),
      first: whole(row['F']),
      last: whole(row['L']),
      at: micros(String(row['M'])),
    }));
    const from = least(...spans.map(({ first }) => first));
    const to = greatest(...spans.map(({ last }) => last));
    const rows = new Map<(typeof spans)[number], LogRow[]>(spans.map((span) => [span, []]));
    const byUnit = Map.groupBy(spans, ({ unit }) => unit);
    for (const table of this.tablesOf(spans.map(({ unit }) => unit))) {
      for (const row of await this.logRows(table, from, to)) {
        const sequence = whole(row['IBMSNAP_INTENTSEQ']);
        const span = byUnit
          .get(String(row['IBMSNAP_UOWID']))
          ?.find(({ first, last }) => sequence >= first && sequence <= last);
        if (span === undefined) continue;
        const operation = row['IBMSNAP_OPERATION'] === 'D' ? 'D' : 'I';
        rows.get(span)?.push({ table, sequence, operation, image: imageOf(table, row) });
      }
    }
    return spans.map((span) => ({
      commit: span.commit,
      at: span.at,
      changes: toChanges(rows.get(span) ?? []),
    }));
  }

  /** Removes what all connectors are past and nobody looks up any more. @param past lowest position of a connector. */
  async prune(session: Db2Session, past: bigint): Promise<void> {
    // Read first: a transaction that gets its position from here on has no row below it.
    const floor = this.floor.current;
    const [row] = await session.query(
      `SELECT CHAR(MAX(IBMSNAP_COMMITSEQ)) AS C FROM ${CONTROL_SCHEMA}.IBMSNAP_UOW
       WHERE IBMSNAP_COMMITSEQ <= CAST(? AS BIGINT)
         AND IBMSNAP_LOGMARKER < CAST(? AS TIMESTAMP)`,
      [String(past), stamp(BigInt(Date.now() - KEPT_MS) * 1000n)],
    );
    if (row === undefined || row['C'] === null) return;
    const commit = String(whole(row['C']));
    const [oldest] = await session.query(
      `SELECT CHAR(MIN(IBMSNAP_FIRSTSEQ)) AS F FROM ${CONTROL_SCHEMA}.IBMSNAP_UOW WHERE IBMSNAP_COMMITSEQ > CAST(? AS BIGINT)`,
      [commit],
    );
    const kept = oldest === undefined || oldest['F'] === null ? floor : whole(oldest['F']);
    const below = least(kept, floor);
    for (const table of this.tables) {
      await session.execute(`DELETE FROM ${table.log} WHERE IBMSNAP_INTENTSEQ < CAST(? AS BIGINT)`, [
        String(below),
      ]);
    }
    await session.execute(
      `DELETE FROM ${CONTROL_SCHEMA}.IBMSNAP_UOW WHERE IBMSNAP_COMMITSEQ <= CAST(? AS BIGINT) AND IBMSNAP_LASTSEQ < CAST(? AS BIGINT)`,
      [commit, String(below)],
    );
  }

  private tablesOf(units: readonly string[]): readonly Registered[] {
    if (units.some((unit) => !this.seenIn.has(unit))) return this.tables;
    return this.tables.filter((table) => units.some((unit) => this.seenIn.get(unit)?.has(table)));
  }

  private async peek(): Promise<bigint> {
    const [row] = await this.session.query(
      `VALUES CHAR(SYSCS_UTIL.SYSCS_PEEK_AT_SEQUENCE('${CONTROL_SCHEMA}', 'LOGSEQ'))`,
    );
    return whole(Object.values(row ?? {})[0]);
  }

  /** All log tables in one statement. Remembers where each transaction was seen, so that only these are read later. */
  private async look(): Promise<readonly Sighting[]> {
    const from = String(this.floor.current);
    const parts = this.tables.map(
      (table, index) =>
        `SELECT ${index} AS T, IBMSNAP_UOWID AS U, CHAR(MIN(IBMSNAP_INTENTSEQ)) AS F, CHAR(MAX(IBMSNAP_INTENTSEQ)) AS L,
           MAX(IBMSNAP_LOGTIME) AS M
         FROM ${table.log} WHERE IBMSNAP_INTENTSEQ >= CAST(? AS BIGINT) GROUP BY IBMSNAP_UOWID`,
    );
    const rows = await this.session.query(
      `${parts.join(' UNION ALL ')} WITH UR`,
      parts.map(() => from),
    );
    const sightings = rows.map((row): Sighting => {
      const table = this.tables[Number(row['T'])];
      const unit = String(row['U']);
      const places = this.seenIn.get(unit) ?? new Set();
      if (table !== undefined) places.add(table);
      this.seenIn.set(unit, places);
      return { unit, first: whole(row['F']), last: whole(row['L']), at: micros(String(row['M'])) };
    });
    return mergeSightings(sightings);
  }

  private async activeUnits(): Promise<ReadonlySet<string>> {
    const rows = await this.session.query(
      `SELECT XID FROM SYSCS_DIAG.TRANSACTION_TABLE WHERE STATUS <> 'IDLE'`,
    );
    return new Set(rows.map((row) => String(row['XID']).trim()));
  }

  private async knownCommits(): Promise<Map<string, bigint>> {
    if (this.committed !== null) return this.committed;
    const rows = await this.session.query(
      `SELECT IBMSNAP_UOWID AS U, CHAR(MAX(IBMSNAP_LASTSEQ)) AS L FROM ${CONTROL_SCHEMA}.IBMSNAP_UOW GROUP BY IBMSNAP_UOWID`,
    );
    this.committed = new Map(rows.map((row) => [String(row['U']), whole(row['L'])]));
    return this.committed;
  }

  private async commit(ended: readonly Sighting[], known: Map<string, bigint>): Promise<void> {
    await this.session.begin();
    try {
      for (let at = 0; at < ended.length; at += COMMITS_AT_ONCE)
        await this.store(ended.slice(at, at + COMMITS_AT_ONCE));
      await this.session.commit();
    } catch (error) {
      await this.session.rollback();
      throw error;
    }
    for (const { unit, last } of ended) known.set(unit, last);
    for (const [unit, last] of known) {
      if (last + FORGOTTEN_AFTER > this.floor.current) continue;
      known.delete(unit);
      this.seenIn.delete(unit);
    }
  }

  private async store(ended: readonly Sighting[]): Promise<void> {
    const row = '(CAST(? AS VARCHAR(40)), CAST(? AS BIGINT), CAST(? AS BIGINT), CAST(? AS TIMESTAMP))';
    await this.session.execute(
      `INSERT INTO ${CONTROL_SCHEMA}.IBMSNAP_UOW SELECT NEXT VALUE FOR ${CONTROL_SCHEMA}.LOGSEQ, E.U, E.F, E.L, E.M
       FROM (VALUES ${ended.map(() => row).join(', ')}) E (U, F, L, M)`,
      ended.flatMap(({ unit, first, last, at }) => [unit, String(first), String(last), stamp(at)]),
    );
  }

  private logRows(table: Registered, from: bigint, to: bigint): Promise<readonly Row[]> {
    return this.session.query(
      `SELECT IBMSNAP_INTENTSEQ, IBMSNAP_UOWID, IBMSNAP_OPERATION, ${columnsOf(table)} FROM ${table.log}
       WHERE IBMSNAP_INTENTSEQ BETWEEN CAST(? AS BIGINT) AND CAST(? AS BIGINT) WITH UR`,
      [String(from), String(to)],
    );
  }
}

function columnsOf(table: Registered): string {
  return table.columns.map(selected).join(', ');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function imageOf(table: Registered, row: Row): RowImage {
  return Object.fromEntries(table.columns.map(({ name }) => [name, textOf(row[name])]));
}

function textOf(raw: unknown): Value {
  if (raw === null || raw === undefined) return null;
  return typeof raw === 'number' ? raw : String(raw);
}

function whole(raw: unknown): bigint {
  return BigInt(String(raw).trim());
}

/** Microseconds since the epoch as a Db2 timestamp in UTC. */
function stamp(at: bigint): string {
  const seconds = new Date(Number(at / 1000n)).toISOString().slice(0, 19).replace('T', ' ');
  return `${seconds}.${String(at % 1_000_000n).padStart(6, '0')}`;
}
