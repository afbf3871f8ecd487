import { keyJson, type RowImage, type Table } from './column.ts';

/**
 * From rows of the change tables to changes. As in SQL Replication an update is two rows, the old image as D and the
 * new one as I, and Debezium's Db2 connector takes any D that is followed by an I of the same table and transaction
 * for an update; so does this.
 */
export interface LogRow {
  readonly table: Table;
  readonly sequence: bigint;
  readonly operation: 'D' | 'I';
  readonly image: RowImage;
}

export interface Change {
  readonly table: Table;
  readonly sequence: bigint;
  readonly before: RowImage | null;
  readonly after: RowImage | null;
}

/** A committed transaction of the log. */
export interface Unit {
  readonly commit: bigint;
  /** When its last change was made, in microseconds since the epoch: the commit itself leaves no trace in Derby. */
  readonly at: bigint;
}

/** @param rows of one transaction, all tables, in any order. Answers them in the order of the log. */
export function toChanges(rows: readonly LogRow[]): readonly Change[] {
  const ordered = [...rows].sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
  const open = new Map<Table, LogRow>();
  const changes: Change[] = [];
  for (const row of ordered) {
    const before = open.get(row.table);
    open.delete(row.table);
    if (row.operation === 'D') {
      if (before !== undefined) changes.push(deletion(before));
      open.set(row.table, row);
    } else {
      changes.push({
        table: row.table,
        sequence: row.sequence,
        before: before?.image ?? null,
        after: row.image,
      });
    }
  }
  for (const row of open.values()) changes.push(deletion(row));
  return changes.sort((a, b) => (a.sequence < b.sequence ? -1 : 1));
}

function deletion(row: LogRow): Change {
  return { table: row.table, sequence: row.sequence, before: row.image, after: null };
}

/** Keys that the changes touch, as JSON texts, for the windows of a snapshot. */
export function touchedKeys(changes: readonly Change[], table: Table): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const change of changes) {
    if (change.table.schema !== table.schema || change.table.name !== table.name) continue;
    for (const image of [change.before, change.after])
      if (image !== null) keys.add(keyJson(change.table, image));
  }
  return keys;
}
