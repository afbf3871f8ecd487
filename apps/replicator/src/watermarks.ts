import { isPast, type Offsets } from '#kafka/progress';

interface Sample {
  /** Commit time of a heartbeat at the source, ms since the epoch. */
  readonly beat: number;
  /** End offsets sampled after that heartbeat had come through: all that was committed before it lies below. */
  readonly ends: ReadonlyMap<string, Offsets>;
}

/** Samples kept while the applier is behind; older ones are thinned, which only makes the lag coarser. */
const KEPT = 600;

/** How far a unit's applier has come, in the source's own time. Pure but for its memory. */
export class Watermarks {
  #samples: Sample[] = [];
  #appliedUpTo: number | null = null;

  sampled(beat: number, ends: ReadonlyMap<string, Offsets>): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && beat <= last.beat) return;
    this.#samples.push({ beat, ends });
    if (this.#samples.length > KEPT) this.#samples = this.#samples.filter((_, index) => index % 2 === 1);
  }

  /** @returns the source's commit time up to which everything is applied, ms since the epoch; null: not known. */
  committed(offsets: ReadonlyMap<string, Offsets>): number | null {
    const reached = this.#samples.findLastIndex((sample) => isPast(offsets, sample.ends));
    if (reached >= 0) {
      this.#appliedUpTo = this.#samples[reached]?.beat ?? null;
      this.#samples = this.#samples.slice(reached + 1);
    }
    return this.#appliedUpTo;
  }
}
