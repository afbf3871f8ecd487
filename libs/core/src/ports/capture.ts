import type { EpochFirsts } from '../epoch.ts';

/** What concerns the capture of a whole legacy system: all of its plans share one connector and its place in the log. */

/** PostgreSQL documentation, "pg_replication_slots", `wal_status`. */
export const WAL_STATUSES = ['reserved', 'extended', 'unreserved', 'lost'] as const;
export type WalStatus = (typeof WAL_STATUSES)[number];

/** The forward connector's replication slot, as the source tells of it. Sizes are bytes. */
export interface SlotState {
  readonly walStatus: WalStatus;
  /** Log that the source keeps because of it; null once it is lost. */
  readonly retainedBytes: number | null;
  /** Log that may still be written before the slot is in danger of being lost; null: no bound, or lost. */
  readonly safeBytes: number | null;
  /** Is somebody reading from it now? */
  readonly active: boolean;
  /** Digits of the position that the connector has confirmed; null: none yet. */
  readonly confirmed: string | null;
}

/** What tells a source from another one that has taken its place. */
export interface SourceIdentity {
  /** Digits that the whole cluster got when it was made; null: nobody lets Ficus ask. */
  readonly cluster: string | null;
  /** Raised when a standby is promoted, and when a backup is restored. */
  readonly timeline: number;
  /** Digits of the position up to which its log is on disk. */
  readonly flushed: string;
}

export interface SlotReading {
  readonly source: SourceIdentity;
  /** Its name. */
  readonly name: string;
  /** Null: there is no slot of that name. */
  readonly slot: SlotState | null;
  /** The most log that the source keeps for a slot before it gives the slot up; null: without bound. */
  readonly limitBytes: number | null;
}

/** A source that keeps its log for a reader that is away, until its disk is full if need be. */
export interface SourceSlot {
  /** @throws FicusError `legacy_unavailable`. */
  read(): Promise<SlotReading>;
  /** Ends the session that reads from it, and takes it away; without one it does nothing. @throws FicusError. */
  drop(): Promise<void>;
  close(): Promise<void>;
}

export interface SlotReport extends SlotReading {
  /** ISO 8601 UTC by the replicator's clock. */
  readonly at: string;
  /** Why somebody should look at it; null: nothing is wrong. */
  readonly alarm: string | null;
}

/**
 * How far a new beginning of a system's capture has come. `halting`: the connector is stopped, the slot dropped, the
 * connector's place forgotten; `restarting`: until it streams from a new slot; `reading`: until every table is read
 * again and what was deleted meanwhile is found. `failed`: the new slot was lost as well.
 */
export type RenewalStage = 'halting' | 'restarting' | 'reading' | 'done' | 'failed';

/** A new beginning that somebody has ordered, or the system's policy. Times are ISO 8601 UTC. */
export interface Renewal {
  readonly by: string;
  readonly reason: string;
  readonly at: string;
  readonly stage: RenewalStage;
  readonly endedAt: string | null;
}

/** Rows of one table that were stored before a new beginning, and are to be put in doubt unless they are read again. */
export interface Sweep {
  readonly unit: string;
  readonly table: string;
  /** End offsets of the table's topic at the new beginning, digits by partition: older rows lie below. */
  readonly ends: Readonly<Record<string, string>>;
}

/** What is kept of one system's capture. Changed only by compare-and-set on `revision`, but for `report`. */
export interface Capture {
  readonly system: string;
  readonly revision: number;
  /** What was measured last of the source that the plans' documents come from. */
  readonly slot: SlotReport | null;
  /** The slot has been there once: if it is not any more, it is lost. */
  readonly seen: boolean;
  /**
   * Since when (ISO 8601 UTC) and why changes are missing; null: none are. `isOther`: another database is in the source's
   * place, and only an operator may say that it is the right one.
   */
  readonly lost: { readonly at: string; readonly reason: string; readonly isOther: boolean } | null;
  /** Counts the new beginnings. */
  readonly generation: number;
  /**
   * Where each new epoch begins, in their order: of a database that has taken the source's place, or of topics that were
   * made anew. What lies below is of the one before.
   */
  readonly replacements: readonly EpochFirsts[];
  /** Newest first; only that one can be under way. */
  readonly renewals: readonly Renewal[];
  readonly sweeps: readonly Sweep[];
  /** Who carries out the halt, and until when (ms since the epoch) nobody else may. */
  readonly carrier: { readonly id: string; readonly until: number } | null;
}

export type CaptureChange = Partial<Omit<Capture, 'system' | 'revision' | 'seen'>>;

export interface CaptureStore {
  /** A system that nothing is kept of yet is answered as one at its very beginning. */
  read(system: string): Promise<Capture>;
  /** Keeps what was measured; the last one wins. */
  report(system: string, report: SlotReport): Promise<void>;
  /** @throws FicusError `state_conflict` (retryable) when somebody else has changed it since it was read. */
  change(before: Capture, change: CaptureChange): Promise<Capture>;
  /** A sweep of that generation is done; of another one nothing changes. */
  swept(system: string, generation: number, sweep: Pick<Sweep, 'unit' | 'table'>): Promise<void>;
}
