import type { Plan } from '../plan.ts';
import type { ReplicationCounts, ReplicationStatus } from '../unit-state.ts';

/** What the replicator keeps in the control database. */

export interface ReplicationStatusStore {
  /** Sets everything but the counts; several replicators may write, the last one wins. */
  put(status: Omit<ReplicationStatus, 'counts'>): Promise<void>;
  /** Adds to the counts. */
  addCounts(unit: string, delta: ReplicationCounts): Promise<void>;
}

/** A column that events carry and the plan does not know. */
export interface UnknownColumn {
  readonly unit: string;
  readonly table: string;
  readonly column: string;
  readonly firstSeen: string;
  readonly lastSeen: string;
  readonly count: number;
  /** Where it was seen first: `topic/partition/offset`. */
  readonly origin: string;
}

export interface UnknownColumnStore {
  /** Adds `count` sightings at `at` (ISO 8601 UTC); `origin` is kept from the first report. */
  report(seen: {
    unit: string;
    table: string;
    column: string;
    count: number;
    origin: string;
    at: string;
  }): Promise<void>;
  list(unit: string): Promise<readonly UnknownColumn[]>;
}

export interface TopicRecord {
  readonly topic: string;
  /** Always 1: a topic that was made anew is read in a new epoch only, and the epoch tells its offsets from the old ones. */
  readonly incarnation: number;
  readonly partitions: number;
  /** Partitions in which an offset was committed: one of them without any is another topic's. */
  readonly begun: readonly number[];
  /** Kafka's id of the topic when that was committed, by partition; none: nobody knew. */
  readonly logs: Readonly<Record<string, string>>;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface TopicStore {
  read(topic: string): Promise<TopicRecord | null>;
  /** Remembers a topic at its first sight (incarnation 1); a known one is left as it is and answered. */
  register(topic: string, partitions: number): Promise<TopicRecord>;
  /** A new epoch begins with so many partitions of a known topic. */
  resize(topic: string, partitions: number): Promise<void>;
  /** Remembers for good that an offset was committed in the partition of a known topic. @param log its id; null: unknown. */
  begin(of: TopicPartition, log: string | null): Promise<void>;
  /**
   * Remembers that the log of a partition of a known topic does not go on, unless that is remembered already.
   * @param epochs how many new epochs have been ordered by now (`epochsOrdered`).
   * @returns how many had been when the loss was noted.
   */
  lose(of: TopicPartition, epochs: number): Promise<number>;
  /** The partition is read again. */
  find(of: TopicPartition): Promise<void>;
}

/** The state of one table's snapshot. Times are ISO 8601 UTC. */
export interface TableSnapshot {
  readonly unit: string;
  readonly table: string;
  /** Version of the plan by which the rows are read. */
  readonly version: number;
  /** Offset in the connector's topic of notifications: what lies before it was said of an earlier scan. */
  readonly orderedAfter: string;
  /** The signal that was sent last; null before the first. */
  readonly requestedAt: string | null;
  readonly startedAt: string | null;
  /** Last sign of life of the running snapshot. */
  readonly progressAt: string | null;
  /** The connector has read the whole table. */
  readonly scannedAt: string | null;
  /** End offsets sampled after that, digits by partition: once the applier is past them the snapshot is complete. */
  readonly scanEnds: Readonly<Record<string, string>> | null;
  readonly completedAt: string | null;
  /** Why the connector did not read the table when it was last asked; null: it did, or has not answered yet. */
  readonly failure: string | null;
  /** Rows in the table when the snapshot was ordered; null: not counted. */
  readonly total: number | null;
  /** Snapshot rows applied since. */
  readonly rows: number;
}

export interface SnapshotStore {
  list(unit: string): Promise<readonly TableSnapshot[]>;
  /** Begins a snapshot: nothing of an earlier one of the table is kept. */
  begin(
    unit: string,
    table: string,
    order: Pick<TableSnapshot, 'version' | 'orderedAfter'> & { readonly requestedAt: string },
  ): Promise<void>;
  /** Changes a snapshot that was begun; of one that was not, nothing is kept. */
  change(
    unit: string,
    table: string,
    fields: Partial<Omit<TableSnapshot, 'unit' | 'table' | 'rows' | 'version' | 'orderedAfter'>>,
  ): Promise<void>;
  addRows(unit: string, table: string, rows: number): Promise<void>;
}

export interface AppliedPlan {
  readonly unit: string;
  readonly version: number;
  /** Did this call change anything? */
  readonly changed: boolean;
  /** Tables of the unit that existed before and are read again because of this change. */
  readonly snapshot: readonly string[];
}

export interface PlanStore {
  /** What of the plan the documents of the unit, as they are stored, do not allow: one sentence each. */
  refusals(plan: Plan): Promise<readonly string[]>;
  /**
   * Makes the plan the applied one: a new unit starts in phase `legacy`, epoch 1, term 1; a changed plan raises the
   * version; the same plan again changes nothing. `text` is the file as it was, `by` who applied it. In the same
   * write the tables that the change concerns are marked to be read again, so that neither is ever without the other.
   * @throws FicusError `plan_invalid` naming every member whose change the stored documents do not allow.
   */
  put(plan: Plan, text: string, by: string): Promise<AppliedPlan>;
}
