import { keyText } from '#core/key';
import type { Clock } from '#core/ports/clock';
import type { ScanCheckpoint, VerificationRun } from '#core/ports/control';
import type { Verification } from '#core/reconcile';
import type { ScanStep } from '#core/scan';
import type { Unit } from '#core/unit-state';
import type { Rechecked } from './recheck.ts';

/** The first confirmed differences are kept with the result. */
const KEPT = 100;

/** The books of one run: what is compared, what is suspected, what is confirmed. Counts and checkpoint move together. */
export class Ledger {
  readonly #clock: Clock;
  #run: VerificationRun;
  /** Of this worker, for the rate. */
  #beganAt = 0;
  #beganRows = 0;

  constructor(run: VerificationRun, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  get run(): VerificationRun {
    return this.#run;
  }

  get verification(): Verification {
    return this.#run.verification;
  }

  get checkpoint(): ScanCheckpoint {
    return this.#run.checkpoint;
  }

  /** Was the run begun by this version of the plan, so that it can go on? */
  isResumable(unit: Unit): boolean {
    return this.checkpoint.planVersion === unit.planVersion;
  }

  /** @param total root rows in legacy, to tell how much remains. */
  begin(unit: Unit, total: number | null): void {
    const { verification } = this;
    const startedAt = verification.startedAt ?? this.#iso();
    if (!this.isResumable(unit)) {
      const zero = { rowsCompared: 0, missing: 0, extra: 0, different: 0, inFlight: 0, differences: [] };
      this.#change(zero, { version: 1, planVersion: unit.planVersion, through: null, suspects: [] });
    }
    this.#change({ state: 'running', startedAt, rowsTotal: total });
    this.#beganAt = this.#clock.now();
    this.#beganRows = this.verification.rowsCompared;
  }

  stepped(step: ScanStep): void {
    const rowsCompared = this.verification.rowsCompared + step.compared;
    const suspects = [...this.checkpoint.suspects, ...step.suspects.map((suspect) => suspect.key)];
    this.#change(
      { rowsCompared, progress: this.#progress(rowsCompared) },
      { ...this.checkpoint, through: step.through, suspects },
    );
  }

  settled({ confirmed, inFlight, unsettled }: Rechecked): void {
    const { verification } = this;
    const ofKind = (kind: string): number => confirmed.filter((one) => one.kind === kind).length;
    this.#change(
      {
        missing: verification.missing + ofKind('missing'),
        extra: verification.extra + ofKind('extra'),
        different: verification.different + ofKind('different'),
        inFlight: verification.inFlight + inFlight,
        differences: [...verification.differences, ...confirmed].slice(0, KEPT),
      },
      // What would not hold still is suspected on, and tried again with the next ones.
      { ...this.checkpoint, suspects: unsettled },
    );
  }

  /** @param emptyAllowed both stores are empty and the plan allows it. */
  end(emptyAllowed: boolean): void {
    const { rowsCompared, missing, extra, different } = this.verification;
    const [unsettled] = this.checkpoint.suspects;
    if (emptyAllowed) {
      this.#finish('passed', 'both stores are empty, which the plan allows');
    } else if (rowsCompared === 0) {
      this.#finish(
        'broken',
        'job_empty: the scan compared nothing; a unit that may be empty says reconcile.allowEmpty',
      );
    } else if (unsettled !== undefined) {
      this.#finish(
        'broken',
        `${this.checkpoint.suspects.length} keys did not hold still for two rounds of the recheck, e.g. ${keyText(unsettled)}: ` +
          'ask again when they are calmer',
      );
    } else {
      this.#finish(missing + extra + different > 0 ? 'failed' : 'passed', null);
    }
  }

  breakOff(reason: string): void {
    this.#finish('broken', reason);
  }

  #finish(state: 'passed' | 'failed' | 'broken', reason: string | null): void {
    this.#change({ state, reason, progress: null, finishedAt: this.#iso() });
  }

  #progress(rowsCompared: number): Verification['progress'] {
    const seconds = (this.#clock.now() - this.#beganAt) / 1_000;
    if (seconds <= 0) return null;
    const rowsPerSecond = Math.round((rowsCompared - this.#beganRows) / seconds);
    const { rowsTotal } = this.verification;
    const remainingMs =
      rowsTotal === null || rowsPerSecond === 0
        ? null
        : Math.round((Math.max(0, rowsTotal - rowsCompared) * 1_000) / rowsPerSecond);
    return { rowsPerSecond, remainingMs };
  }

  #change(verification: Partial<Verification>, checkpoint: ScanCheckpoint = this.checkpoint): void {
    this.#run = {
      ...this.#run,
      verification: { ...this.#run.verification, ...verification },
      checkpoint,
    };
  }

  #iso(): string {
    return new Date(this.#clock.now()).toISOString();
  }
}
