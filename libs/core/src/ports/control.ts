import type { DocumentKey } from '../document.ts';
import type { Phase } from '../phase.ts';
import type { Verification } from '../reconcile.ts';
import type { Guard } from '../transition.ts';
import type { Unit, UnitState } from '../unit-state.ts';

/** The control database (`ficus` in MongoDB), one port for each thing kept there. */
export interface UnitStore {
  /** All applied units with state and replication status, in one consistent read. */
  readAll(): Promise<readonly Unit[]>;
  read(unit: string): Promise<Unit | null>;
  /**
   * Compare-and-set on `revision`. `transition` names the flip that does it, so that after a crash it is known
   * whether it did. @throws FicusError `state_conflict` naming who changed it and when.
   */
  advance(
    state: UnitState,
    next: { phase: Phase; term: number; epoch: number; transition: string | null },
    by: string,
  ): Promise<UnitState>;
  /**
   * Wants every table of every unit of a legacy system read again, as a changed plan does, once for each generation of
   * the system's capture.
   */
  readAgain(system: string, generation: number, by: string): Promise<void>;
  /**
   * Opens, in every unit of the system, an epoch for each of so many databases that have taken the source's place
   * (`Capture`), once, and wants all tables read again with it: who goes by a plan so new knows of the epoch.
   */
  openEpochs(system: string, replaced: number, by: string): Promise<void>;
}

export type TransitionState = 'running' | 'done' | 'refused' | 'cancelled';

/** A flip that was asked for: recorded before it is done, and kept. */
export interface Transition {
  readonly id: string;
  readonly unit: string;
  readonly from: Phase;
  readonly to: Phase;
  readonly reason: string;
  readonly requestedBy: string;
  readonly at: string;
  readonly state: TransitionState;
  readonly guards: readonly Guard[];
  readonly finishedAt: string | null;
}

export interface TransitionStore {
  /**
   * At most one transition of a unit is running. @throws FicusError `state_conflict` naming the running one, who
   * asked for it and when.
   */
  record(transition: Transition): Promise<void>;
  /** Ends a running transition; one that has ended already stays as it is. */
  finish(id: string, state: Exclude<TransitionState, 'running'>, at: string): Promise<void>;
  read(id: string): Promise<Transition | null>;
  /** Newest first. */
  history(unit: string, limit: number): Promise<readonly Transition[]>;
  /** Of all units, the ones that run. */
  running(): Promise<readonly Transition[]>;
}

/** Where a full scan goes on after a crash of its worker. The form is versioned, since it outlives a deployment. */
export interface ScanCheckpoint {
  readonly version: 1;
  /** The plan by which it was compared; under another one the scan begins again. Null: not begun. */
  readonly planVersion: number | null;
  /** Every key up to this one (included) is compared; null: none yet. */
  readonly through: DocumentKey | null;
  /** Keys that differed and wait for their recheck. */
  readonly suspects: readonly DocumentKey[];
}

export interface VerificationRun {
  readonly verification: Verification;
  readonly checkpoint: ScanCheckpoint;
  /** Counts the workers that took the run; only the last one may save it. */
  readonly attempt: number;
}

export interface VerificationStore {
  /** Keeps a queued verification; one with that id that exists already stays as it is. */
  create(verification: Verification): Promise<void>;
  /** Takes the run for the calling worker. Null: there is none with that id, or it has ended. */
  take(id: string): Promise<VerificationRun | null>;
  /** @throws FicusError `state_conflict` when another worker has taken the run since. */
  save(run: VerificationRun): Promise<void>;
  /** Queued and running ones of all units, oldest first. */
  unfinished(): Promise<readonly Verification[]>;
  read(id: string): Promise<Verification | null>;
  /** Newest first. */
  history(unit: string, limit: number): Promise<readonly Verification[]>;
}

export interface Instance {
  readonly id: string;
  readonly app: string;
  /** ISO 8601 UTC by its own clock. */
  readonly at: string;
  /** Versions of the plans that it goes by, by unit; empty where an app has none. */
  readonly plans: Readonly<Record<string, number>>;
}

/** Every app says once a second that it lives. */
export interface InstanceStore {
  beat(instance: Instance): Promise<void>;
  /** Instances of that app that beat within the last `withinMs`. */
  alive(app: string, withinMs: number): Promise<readonly Instance[]>;
}

/** Asks the reconciler for a run now; answers the id that its result will have. */
export interface VerificationQueue {
  request(unit: string, requestedBy: string): Promise<string>;
  /** Puts a verification that has not ended into the queue again unless it is there; after a loss of the queue. */
  ensure(verification: { id: string; unit: string; requestedBy: string }): Promise<void>;
  /** Makes the schedules of the plans the only ones. */
  schedule(units: readonly { unit: string; cron: string | null }[]): Promise<void>;
}

/** Answers once everything that the source had committed when it was asked is applied in MongoDB. */
export interface Watermark {
  /** @returns false when `timeoutMs` passed first. */
  passed(unit: string, timeoutMs: number): Promise<boolean>;
}
