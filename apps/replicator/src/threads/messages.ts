import type { Outcome } from '#core/apply';
import type { ErrorCode } from '#core/errors';
import type { Plan } from '#core/plan';
import type { RecordForm } from '#debezium/decoder';
import type { Parcel } from './parcel.ts';

/** What a thread needs from its start. */
export interface ThreadGiven {
  readonly mongoUrl: string;
  /** Database of the documents. */
  readonly database: string;
  readonly digestKey: string;
}

/** How a unit's records are read and written, from now on. */
export interface Setting {
  readonly kind: 'setting';
  readonly plan: Plan;
  readonly form: RecordForm;
}

/** A batch of a unit whose setting was told before. */
export interface Task {
  readonly kind: 'task';
  readonly id: number;
  readonly unit: string;
  readonly parcel: Parcel;
  readonly incarnations: ReadonlyMap<string, number>;
  readonly term: number;
  readonly together: number;
}

export interface Close {
  readonly kind: 'close';
}

/** Records are named by their place in the batch. */
export interface Done {
  readonly kind: 'done';
  readonly id: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly unknown: readonly {
    readonly table: string;
    readonly column: string;
    readonly count: number;
    readonly at: number;
  }[];
  readonly snapshotRows: ReadonlyMap<string, number>;
  readonly committedAt: Float64Array;
  readonly left: Int32Array;
}

export interface Failed {
  readonly kind: 'failed';
  readonly id: number;
  /** Null: a bug, not a FicusError. */
  readonly code: ErrorCode | null;
  readonly message: string;
  readonly retryable: boolean;
}

export type ToThread = Setting | Task | Close;
export type FromThread = { readonly kind: 'ready' } | Done | Failed;
