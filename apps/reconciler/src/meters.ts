import { Counter, Gauge, type Registry } from 'prom-client';
import type { Verification } from '#core/reconcile';

/** What a reconciler measures, in Prometheus's terms. */
export class Meters {
  readonly #runs: Counter<'unit' | 'state'>;
  readonly #rows: Counter<'unit'>;
  readonly #drift: Gauge<'unit' | 'kind'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#runs = new Counter({
      name: 'ficus_verifications_total',
      help: 'Ended verifications by result',
      labelNames: ['unit', 'state'],
      registers,
    });
    this.#rows = new Counter({
      name: 'ficus_verified_rows_total',
      help: 'Root rows compared',
      labelNames: ['unit'],
      registers,
    });
    this.#drift = new Gauge({
      name: 'ficus_drift_documents',
      help: 'Confirmed differences of the last verification that could be carried out',
      labelNames: ['unit', 'kind'],
      registers,
    });
  }

  ended({ unit, state, rowsCompared, missing, extra, different }: Verification): void {
    this.#runs.inc({ unit, state });
    this.#rows.inc({ unit }, rowsCompared);
    if (state === 'broken') return;
    this.#drift.set({ unit, kind: 'missing' }, missing);
    this.#drift.set({ unit, kind: 'extra' }, extra);
    this.#drift.set({ unit, kind: 'different' }, different);
  }
}
