import type { CanonicalDocument, DocumentKey } from '#core/document';
import { FicusError, reasonOf } from '#core/errors';
import { keyFields, type Plan } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type { UnitStore, VerificationStore, Watermark } from '#core/ports/control';
import type { DocumentStore } from '#core/ports/document-store';
import type { LegacyStore } from '#core/ports/legacy-store';
import type { ListQuery } from '#core/query';
import { queuedVerification, type Verification } from '#core/reconcile';
import { type ScanStep, scan } from '#core/scan';
import type { Unit } from '#core/unit-state';
import type { VerificationOrder } from '#jobs/verification-worker';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import { Ledger } from './ledger.ts';
import { Pace } from './pace.ts';
import { patiently } from './patience.ts';
import { recheck } from './recheck.ts';

export interface ScanParts {
  readonly units: UnitStore;
  readonly verifications: VerificationStore;
  readonly documents: DocumentStore;
  readonly watermark: Watermark;
  /** @throws FicusError `setting_invalid` when there is no such system. */
  readonly legacyOf: (system: string) => LegacyStore;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Documents read at once from each side. */
const CHUNK = 1_000;
/** Suspects that are gathered before they are rechecked, since every recheck waits for the watermark. */
const MAX_SUSPECTS = 1_000;
/** Progress is written no more often. */
const SAVE_MS = 500;

/**
 * Compares all of a unit in both stores. The run lives in the control database, so any worker may take it over at the
 * last saved key, and a run that is handed out twice is done by the one that took it last.
 */
export class FullScan {
  readonly #parts: ScanParts;

  constructor(parts: ScanParts) {
    this.#parts = parts;
  }

  /**
   * Carries the run to its end, which is stored. @throws the signal's reason when it is aborted, and errors of the
   * control database: then the run is not ended and waits for the next worker.
   */
  async run(order: VerificationOrder, signal: AbortSignal): Promise<Verification | null> {
    const { verifications, clock, log } = this.#parts;
    await this.#through('mongodb', signal, () => verifications.create(queued(order)));
    const taken = await this.#through('mongodb', signal, () => verifications.take(order.id));
    if (taken === null) return null;
    const ledger = new Ledger(taken, clock);
    try {
      await this.#carryOut(ledger, order, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isTakenOver(error)) {
        log.warn({ verification: order.id, unit: order.unit }, reasonOf(error));
        return null;
      }
      log.error({ verification: order.id, unit: order.unit, err: error }, 'verification broken');
      ledger.breakOff(reasonOf(error));
    }
    await this.#save(ledger, signal);
    return ledger.verification;
  }

  async #carryOut(ledger: Ledger, order: VerificationOrder, signal: AbortSignal): Promise<void> {
    const unit = await this.#unit(order.unit, signal);
    const { plan } = unit;
    const legacy = this.#parts.legacyOf(plan.system);
    const total = ledger.isResumable(unit)
      ? ledger.verification.rowsTotal
      : await this.#through(plan.system, signal, () => legacy.count(plan));
    ledger.begin(unit, total);
    await this.#save(ledger, signal);
    let savedAt = this.#parts.clock.now();
    for await (const step of this.#steps(plan, legacy, ledger.checkpoint.through, signal)) {
      signal.throwIfAborted();
      ledger.stepped(step);
      if (ledger.checkpoint.suspects.length >= MAX_SUSPECTS) await this.#settle(plan, ledger, legacy, signal);
      if (this.#parts.clock.now() - savedAt < SAVE_MS) continue;
      savedAt = this.#parts.clock.now();
      await this.#save(ledger, signal);
      await this.#tell(ledger, order);
    }
    await this.#save(ledger, signal);
    await this.#settle(plan, ledger, legacy, signal);
    ledger.end(ledger.verification.rowsCompared === 0 && (await this.#bothEmpty(plan, legacy, signal)));
  }

  async #unit(name: string, signal: AbortSignal): Promise<Unit> {
    const unit = await this.#through('mongodb', signal, () => this.#parts.units.read(name));
    if (unit === null) throw new FicusError('unit_unknown', `unit "${name}" does not exist`);
    const { repair } = unit.plan.reconcile;
    if (repair !== 'log-only') {
      throw new FicusError(
        'plan_invalid',
        `the plan of ${name} demands reconcile.repair "${repair}", which is not built yet; legal is log-only`,
      );
    }
    return unit;
  }

  /** Reads both sides in key order; legacy no faster than the plan allows, embedded rows counted. */
  #steps(
    plan: Plan,
    legacy: LegacyStore,
    from: DocumentKey | null,
    signal: AbortSignal,
  ): AsyncIterable<ScanStep> {
    const { documents, clock } = this.#parts;
    const { maxRowsPerSecond } = plan.reconcile;
    const pace = new Pace(clock, maxRowsPerSecond);
    const limit = Math.min(CHUNK, maxRowsPerSecond ?? CHUNK);
    const sort = keyFields(plan.root).map((field) => ({ field, descending: false }));
    const after = (key: DocumentKey | null): ListQuery => ({ filters: [], sort, limit, after: key });
    return scan(
      plan,
      async (key) => {
        const page = await this.#through(plan.system, signal, () => legacy.list(plan, after(key)));
        await pace.spend(
          page.documents.reduce((sum, one) => sum + rowsOf(one), 0),
          signal,
        );
        return page;
      },
      (key) => this.#through('mongodb', signal, () => documents.list(plan, after(key))),
      from,
    );
  }

  async #settle(plan: Plan, ledger: Ledger, legacy: LegacyStore, signal: AbortSignal): Promise<void> {
    const { documents, watermark } = this.#parts;
    const keys = ledger.checkpoint.suspects;
    const result = await recheck(plan, keys, {
      legacy,
      documents,
      watermark,
      through: (dependency, call) => this.#through(dependency, signal, call),
    });
    ledger.settled(result);
    await this.#save(ledger, signal);
  }

  async #bothEmpty(plan: Plan, legacy: LegacyStore, signal: AbortSignal): Promise<boolean> {
    if (!plan.reconcile.allowEmpty) return false;
    const counts = await this.#through(plan.system, signal, () =>
      Promise.all([legacy.count(plan), this.#parts.documents.count(plan)]),
    );
    return counts.every((count) => count === 0);
  }

  async #save(ledger: Ledger, signal: AbortSignal): Promise<void> {
    await this.#through('mongodb', signal, () => this.#parts.verifications.save(ledger.run));
  }

  /** Redis shows the progress too; that it cannot is no reason to stop. */
  async #tell(ledger: Ledger, order: VerificationOrder): Promise<void> {
    const { rowsCompared: rows, rowsTotal: total, progress } = ledger.verification;
    if (progress === null) return;
    await order.progress({ rows, total, ...progress }).catch((error) => {
      this.#parts.log.warn({ verification: order.id }, `progress: ${reasonOf(error)}`);
    });
  }

  /** A call that outlives an outage of what it depends on, which readiness names meanwhile. */
  async #through<T>(dependency: string, signal: AbortSignal, call: () => Promise<T>): Promise<T> {
    const { clock, dependencies } = this.#parts;
    const failed = (error: unknown): void => dependencies.down(dependency, error);
    const result = await patiently(call, { clock, signal, failed });
    dependencies.up(dependency);
    return result;
  }
}

function queued(order: VerificationOrder): Verification {
  const { id, unit, requestedBy, requestedAt } = order;
  return queuedVerification({ id, unit, requestedBy, requestedAt });
}

function rowsOf(document: CanonicalDocument): number {
  return 1 + Object.values(document.embeds).reduce((sum, rows) => sum + rows.length, 0);
}

function isTakenOver(error: unknown): boolean {
  return error instanceof FicusError && error.code === 'state_conflict';
}
