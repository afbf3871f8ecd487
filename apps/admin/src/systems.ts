import { renewal } from '#core/capture';
import { FicusError } from '#core/errors';
import type { Capture, CaptureStore, Renewal, SlotReport } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { UnitStore } from '#core/ports/control';

/** The capture of a legacy system, as an operator sees it. */
export interface CaptureView {
  /** What its slot held back of the source's log when it was measured last; null: not yet, or it has none (Db2). */
  readonly slot: SlotReport | null;
  /** Since when and why changes are missing; null: none are. */
  readonly lost: Capture['lost'];
  /** The new beginnings so far, newest first. */
  readonly renewals: readonly Renewal[];
  /** Tables (`unit/table`) whose deletes of before the newest beginning are still to be found. */
  readonly unswept: readonly string[];
}

export interface SystemView extends CaptureView {
  readonly system: string;
  readonly units: readonly string[];
}

export interface SystemsParts {
  readonly units: UnitStore;
  readonly captures: CaptureStore;
  readonly clock: Clock;
}

/** The legacy systems that applied plans name. */
export class LegacySystems {
  readonly #parts: SystemsParts;

  constructor(parts: SystemsParts) {
    this.#parts = parts;
  }

  async all(): Promise<readonly SystemView[]> {
    const units = await this.#parts.units.readAll();
    const bySystem = Map.groupBy(units, ({ plan }) => plan.system);
    return await Promise.all(
      [...bySystem].sort().map(async ([system, own]) => ({
        system,
        units: own.map(({ plan }) => plan.unit),
        ...captureView(await this.#parts.captures.read(system)),
      })),
    );
  }

  /** @throws FicusError `system_unknown`. */
  async one(system: string): Promise<SystemView> {
    const all = await this.all();
    const found = all.find((one) => one.system === system);
    if (found !== undefined) return found;
    const known = all.map((one) => one.system).join(', ');
    throw new FicusError(
      'system_unknown',
      `no applied plan names the legacy system "${system}"; they name ${known || 'none'}`,
    );
  }

  /**
   * Orders that the capture begins anew and every table of the system is read again; the replicators carry it out.
   * @param order.newEpoch nothing that was in the log before may come over what is read now, whatever its position:
   * another database is in the source's place, or its topics were made anew, lost records, or have other partitions.
   * @throws FicusError `system_unknown`, `state_conflict`.
   */
  async resnapshot(
    system: string,
    order: { readonly by: string; readonly reason: string; readonly newEpoch: boolean },
  ): Promise<void> {
    const { captures, clock } = this.#parts;
    await this.one(system);
    const capture = await captures.read(system);
    const at = new Date(clock.now()).toISOString();
    const { by, reason, newEpoch } = order;
    await captures.change(capture, renewal(capture, { by, reason, at }, newEpoch));
  }
}

export function captureView({ slot, lost, renewals, sweeps }: Capture): CaptureView {
  return { slot, lost, renewals, unswept: sweeps.map(({ unit, table }) => `${unit}/${table}`) };
}
