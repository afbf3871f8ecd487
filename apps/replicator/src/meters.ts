import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { BatchResult } from './tally.ts';

/** What a replicator measures, in Prometheus's terms. */
export class Meters {
  readonly #changes: Counter<'unit' | 'outcome'>;
  readonly #letters: Counter<'unit'>;
  readonly #mended: Counter<'unit'>;
  readonly #age: Histogram<'unit'>;
  readonly #lag: Gauge<'unit'>;
  readonly #backlog: Gauge<'unit'>;
  readonly #retained: Gauge<'system'>;
  readonly #slotLimit: Gauge<'system'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#changes = new Counter({
      name: 'ficus_changes_total',
      help: 'Row changes by outcome',
      labelNames: ['unit', 'outcome'],
      registers,
    });
    this.#letters = new Counter({
      name: 'ficus_dead_letters_total',
      help: 'Records put aside',
      labelNames: ['unit'],
      registers,
    });
    this.#mended = new Counter({
      name: 'ficus_mended_total',
      help: 'Documents completed by a read of the source',
      labelNames: ['unit'],
      registers,
    });
    this.#age = new Histogram({
      name: 'ficus_apply_age_seconds',
      help: 'Time from the commit at the source to the durable document',
      labelNames: ['unit'],
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
      registers,
    });
    this.#lag = new Gauge({
      name: 'ficus_lag_seconds',
      help: 'Age of the newest commit that is wholly applied',
      labelNames: ['unit'],
      registers,
    });
    this.#backlog = new Gauge({
      name: 'ficus_backlog_records',
      help: 'Records not applied yet',
      labelNames: ['unit'],
      registers,
    });
    this.#retained = new Gauge({
      name: 'ficus_slot_retained_bytes',
      help: "Log that the source keeps for the connector's slot",
      labelNames: ['system'],
      registers,
    });
    this.#slotLimit = new Gauge({
      name: 'ficus_slot_limit_bytes',
      help: 'Log that the source keeps at most before the slot is lost; absent: without bound',
      labelNames: ['system'],
      registers,
    });
  }

  applied(unit: string, result: BatchResult, letters: number, now: number): void {
    for (const [outcome, count] of Object.entries(result.outcomes))
      if (count > 0) this.#changes.inc({ unit, outcome }, count);
    if (letters > 0) this.#letters.inc({ unit }, letters);
    const age = this.#age.labels(unit);
    for (const committed of result.committedAt) age.observe(Math.max(0, now - committed) / 1_000);
  }

  mended(unit: string, documents: number): void {
    this.#mended.inc({ unit }, documents);
  }

  lagging(unit: string, lagMs: number | null, backlog: number): void {
    if (lagMs !== null) this.#lag.set({ unit }, lagMs / 1_000);
    this.#backlog.set({ unit }, backlog);
  }

  /** @param retained null: there is no slot, or it is lost. @param limit null: there is none. */
  slot(system: string, retained: number | null, limit: number | null): void {
    for (const [gauge, bytes] of [
      [this.#retained, retained],
      [this.#slotLimit, limit],
    ] as const)
      if (bytes === null) gauge.remove({ system });
      else gauge.set({ system }, bytes);
  }
}
