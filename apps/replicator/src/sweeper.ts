import { reasonOf } from '#core/errors';
import { sweepDoubts, sweepEnds } from '#core/mend';
import type { CaptureStore, Sweep } from '#core/ports/capture';
import type { UnitStore } from '#core/ports/control';
import type { Unit } from '#core/unit-state';
import type { Logger } from '#observability/log';
import { type DoubtParts, Doubts } from './doubts.ts';

export interface SweeperParts extends DoubtParts {
  readonly captures: CaptureStore;
  readonly units: Pick<UnitStore, 'read'>;
  readonly log: Logger;
}

/**
 * Finds what was deleted while a slot was lost. A snapshot never tells of it, so once a table has been read again whole,
 * every row that is still as it was before is put in doubt and read from the source.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #doubts: Doubts;
  readonly #underWay = new Set<string>();

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#doubts = new Doubts(parts);
  }

  /** Beside the rounds, since it goes through all documents. Never throws: what fails is tried in the next round. */
  async sweep({ plan, planVersion, state }: Unit, generation: number, sweep: Sweep): Promise<void> {
    const { captures, units, log } = this.#parts;
    const { unit, table } = sweep;
    const name = `${unit}/${table}`;
    if (this.#underWay.has(name)) return;
    this.#underWay.add(name);
    try {
      const ends = sweepEnds(sweep);
      const isCurrent = async (): Promise<boolean> => {
        const now = await units.read(unit);
        return now?.state.term === state.term && now.planVersion === planVersion;
      };
      const doubted = await this.#doubts.raise({ plan, term: state.term, isCurrent }, (stored) =>
        sweepDoubts(plan, stored, table, { ends, epoch: state.epoch }),
      );
      await captures.swept(plan.system, generation, sweep);
      log.info({ unit, table, documents: doubted }, 'rows that were not read again are put in doubt');
    } catch (error) {
      log.warn({ unit, table }, `rows that were not read again: ${reasonOf(error)}`);
    } finally {
      this.#underWay.delete(name);
    }
  }
}
