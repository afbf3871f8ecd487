import type { Db2Session } from '#legacy/db2/driver';
import { greatestKey, readChunk } from './chunk.ts';
import type { RowImage } from './column.ts';
import type { Settings } from './config.ts';
import { type Origin, type OutgoingRecord, readRecord, type SnapshotMark } from './event.ts';
import { type Notice, noticeRecord } from './notification.ts';
import type { Registered } from './registration.ts';
import type { SnapshotSignal } from './signal.ts';
import type { IncrementalState } from './state.ts';

/** What one window needs. */
export interface SnapshotPorts {
  readonly session: Db2Session;
  readonly origin: Origin;
  readonly settings: Settings;
  readonly tables: ReadonlyMap<string, Registered>;
  /** Streams all changes that may be in these rows of the table, and says which rows they did not touch. */
  settle(
    table: Registered,
    rows: readonly RowImage[],
  ): Promise<{ readonly untouched: (row: RowImage) => boolean; readonly commit: bigint }>;
  /** Where the initial snapshot stands; null before its first window. */
  readonly initial: IncrementalState | null;
}

export interface WindowResult {
  readonly records: readonly OutgoingRecord[];
  /** The incremental snapshot after this window; null when it is complete or there was none. */
  readonly state: IncrementalState | null;
  /** The same of the initial one. */
  readonly initial: IncrementalState | null;
}

export function beginIncremental(signal: SnapshotSignal): IncrementalState {
  return { id: signal.id, collections: [...signal.collections], current: 0, after: null, rows: 0 };
}

/** Reads the next window: of the initial snapshot until that is complete, then of the incremental one. */
export async function nextWindow(
  ports: SnapshotPorts,
  incremental: IncrementalState | null,
  snapshotted: boolean,
): Promise<WindowResult> {
  if (!snapshotted) {
    const { settings } = ports;
    const collections = settings.tables.filter((name) => name !== settings.heartbeatTable);
    const initial = ports.initial ?? { id: 'initial', collections, current: 0, after: null, rows: 0 };
    const step = await readWindow(ports, initial, true);
    return { records: step.records, state: incremental, initial: step.state };
  }
  if (incremental === null) return { records: [], state: null, initial: null };
  const { records, state } = await readWindow(ports, incremental, false);
  return { records, state, initial: null };
}

interface Step {
  readonly records: readonly OutgoingRecord[];
  readonly state: IncrementalState | null;
}

async function readWindow(ports: SnapshotPorts, state: IncrementalState, initial: boolean): Promise<Step> {
  const { collections, current, after } = state;
  const notice = (content: Notice): readonly OutgoingRecord[] =>
    initial ? [] : [noticeRecord(noticeOrigin(ports), state.id, content)];
  const started = current === 0 && after === null ? notice({ type: 'STARTED', collections }) : [];
  const name = collections[current];
  if (name === undefined) return { records: [...started, ...notice({ type: 'COMPLETED' })], state: null };

  const table = ports.tables.get(name);
  const scanned = (rows: number, status: ScanStatus): readonly OutgoingRecord[] =>
    notice({ type: 'TABLE_SCAN_COMPLETED', collections, scanned: name, rows, status });
  if (table === undefined || table.key.length === 0) {
    const status = table === undefined ? 'UNKNOWN_SCHEMA' : 'NO_PRIMARY_KEY';
    console.error(`${name} is not read: ${status}; a snapshot goes by the primary key`);
    return finish([...started, ...scanned(0, status)], state, notice);
  }

  const { chunkRows, initialChunkRows } = ports.settings;
  const chunk = await readChunk(ports.session, table, after, initial ? initialChunkRows : chunkRows);
  const { untouched, commit } = await ports.settle(table, chunk.rows);
  const position = { commit, change: initial ? null : commit, at: ports.origin.now() };
  const kept = chunk.rows.filter(untouched);
  const reads = kept.map((row, index) => {
    const ends = {
      first: after === null && index === 0,
      last: chunk.next === null && index === kept.length - 1,
      outer: { first: current === 0, last: current === collections.length - 1 },
    };
    return readRecord(ports.origin, table, row, {
      position,
      snapshot: initial ? markOf(ends) : 'incremental',
    });
  });
  const rows = state.rows + kept.length;
  const records = [...started, ...reads];
  if (chunk.next !== null) {
    const maximumKey = (initial ? null : await greatestKey(ports.session, table)) ?? '"<null>"';
    const lastKey = chunk.next.map(String).join(',');
    const progress = notice({ type: 'IN_PROGRESS', collections, current: name, maximumKey, lastKey });
    return { records: [...records, ...progress], state: { ...state, after: [...chunk.next], rows } };
  }
  return finish([...records, ...scanned(rows, rows === 0 ? 'EMPTY' : 'SUCCEEDED')], state, notice);
}

type ScanStatus = Extract<Notice, { type: 'TABLE_SCAN_COMPLETED' }>['status'];

function finish(
  records: readonly OutgoingRecord[],
  state: IncrementalState,
  notice: (content: Notice) => readonly OutgoingRecord[],
): Step {
  const next = state.current + 1;
  if (next < state.collections.length)
    return { records, state: { ...state, current: next, after: null, rows: 0 } };
  return { records: [...records, ...notice({ type: 'COMPLETED' })], state: null };
}

/** Exported for its test. A row that is left out because the stream has it takes its mark along. */
export function markOf(ends: {
  readonly first: boolean;
  readonly last: boolean;
  readonly outer: { readonly first: boolean; readonly last: boolean };
}): SnapshotMark {
  if (ends.last) return ends.outer.last ? 'last' : 'last_in_data_collection';
  if (ends.first) return ends.outer.first ? 'first' : 'first_in_data_collection';
  return 'true';
}

function noticeOrigin(ports: SnapshotPorts): { topic: string; prefix: string; now: number } {
  return {
    topic: ports.settings.notificationTopic,
    prefix: ports.origin.prefix,
    now: Number(ports.origin.now() / 1000n),
  };
}
