import { FicusError } from '#core/errors';
import { forwardGroup, topicsOf } from '#core/plan';
import type { Clock } from '#core/ports/clock';
import type { UnitStore, Watermark } from '#core/ports/control';
import type { LegacyStore } from '#core/ports/legacy-store';
import { isPast, type Offsets } from '#kafka/progress';

/** How far the logs and the applier's consumer group are, by topic. */
export interface ReplicationProgress {
  endOffsets(topics: readonly string[]): Promise<ReadonlyMap<string, Offsets>>;
  committed(group: string, topics: readonly string[]): Promise<ReadonlyMap<string, Offsets>>;
}

export interface WatermarkParts {
  readonly units: UnitStore;
  readonly legacyOf: (system: string) => LegacyStore;
  readonly progress: ReplicationProgress;
  readonly clock: Clock;
  /** Ends every wait when the process stops. */
  readonly signal: AbortSignal;
}

const POLL_MS = 100;

/**
 * Follows one position through the whole forward leg, in the only order that proves anything (DESIGN.md section 6):
 * the legacy log's position first, then the connector past it, so that all of it is in Kafka; then the topics' ends;
 * then the applier's committed offsets past those. A marker seen in one topic would say nothing of the others.
 */
export class PositionWatermark implements Watermark {
  readonly #parts: WatermarkParts;

  constructor(parts: WatermarkParts) {
    this.#parts = parts;
  }

  async passed(unit: string, timeoutMs: number): Promise<boolean> {
    const { units, legacyOf, progress, clock } = this.#parts;
    const found = await units.read(unit);
    if (found === null) throw new FicusError('unit_unknown', `unit "${unit}" does not exist`);
    const until = clock.now() + timeoutMs;
    const legacy = legacyOf(found.plan.system);
    const topics = topicsOf(found.plan);
    const position = await legacy.mark();
    if (!(await this.#wait(until, () => legacy.captured(position)))) return false;
    const ends = await progress.endOffsets(topics);
    return await this.#wait(until, async () =>
      isPast(await progress.committed(forwardGroup(unit), topics), ends),
    );
  }

  async #wait(until: number, condition: () => Promise<boolean>): Promise<boolean> {
    const { clock, signal } = this.#parts;
    while (!(await condition())) {
      if (clock.now() >= until) return false;
      await clock.sleep(POLL_MS, signal);
      signal.throwIfAborted();
    }
    return true;
  }
}
