import { FicusError } from '#core/errors';
import type { Failure } from './tally.ts';

/** Records over which the share is taken. */
const WINDOW = 1_000;

/** How many of the last records could not be applied: many at once are no bad records but a bad plan or connector. */
export class FailureShare {
  readonly #batches: { readonly records: number; readonly failures: number }[] = [];

  /**
   * @param share from 0 to 1, of the last 1,000 records. The batch that goes beyond it is not counted, so it stops the
   * unit until the cause or the level is changed.
   * @throws FicusError `too_many_failures`, retryable.
   */
  mind(records: number, failures: readonly Failure[], share: number): void {
    const known = this.#batches.reduce((sum, batch) => sum + batch.failures, 0);
    const most = Math.floor(share * Math.max(WINDOW, records));
    const [first] = failures;
    if (first !== undefined && share < 1 && known + failures.length > most)
      throw new FicusError(
        'too_many_failures',
        `${known + failures.length} of the last ${Math.max(WINDOW, records)} records could not be applied, and the plan ` +
          `allows ${most}; the unit stops until the cause is mended or levels.badShare is raised; the first: ${first.reason}`,
        { retryable: true },
      );
    this.#batches.push({ records, failures: failures.length });
    let seen = this.#batches.reduce((sum, batch) => sum + batch.records, 0);
    for (
      let [oldest] = this.#batches;
      oldest !== undefined && seen - oldest.records >= WINDOW;
      [oldest] = this.#batches
    ) {
      seen -= oldest.records;
      this.#batches.shift();
    }
  }
}
