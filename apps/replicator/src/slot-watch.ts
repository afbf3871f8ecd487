import { judgeSlot, replacement, running, type SlotRules, type SlotVerdict } from '#core/capture';
import { reasonOf } from '#core/errors';
import type { Capture, CaptureStore, SlotReading, SlotReport, SourceSlot } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { Meters } from './meters.ts';

export interface SlotWatchParts {
  readonly slot: SourceSlot;
  readonly captures: CaptureStore;
  readonly dependencies: Dependencies;
  readonly meters: Meters;
  readonly clock: Clock;
  readonly log: Logger;
}

/** How often the source is asked, ms. */
const MEASURE_MS = 5_000;

/** Measures what a system's slot holds back of the source's log, and says where it is too much. */
export class SlotWatch {
  readonly #system: string;
  readonly #rules: SlotRules;
  readonly #parts: SlotWatchParts;
  #reading: SlotReading | null = null;
  /** Why the source was another one when it was measured; null: it was not. */
  #fault: string | null = null;
  #askedAt = 0;
  #stage = '';
  /** The position that the connector confirmed last, and when that was new to us. */
  #confirmed: { readonly at: number; readonly position: string | null } = { at: 0, position: null };

  constructor(system: string, rules: SlotRules, parts: SlotWatchParts) {
    this.#system = system;
    this.#rules = rules;
    this.#parts = parts;
  }

  /** What is to be thought of the slot as it was measured last; null while the source does not answer. Never throws. */
  async judge(capture: Capture): Promise<SlotVerdict | null> {
    const { clock, captures, dependencies, log, slot } = this.#parts;
    const now = clock.now();
    const begun = running(capture)?.stage ?? 'done';
    const stage = `${capture.generation} ${begun}`;
    // Until the connector has made a new slot, none is as it should be.
    const isOld = begun !== 'halting' && begun !== 'restarting';
    const seen = capture.seen && isOld;
    const known = begun === 'halting' ? null : (capture.slot?.source ?? null);
    // What was measured in an earlier stage of a new beginning was another slot.
    if (this.#stage === stage && now - this.#askedAt < MEASURE_MS) return this.#verdict(seen);
    this.#askedAt = now;
    this.#stage = stage;
    try {
      this.#reading = null;
      const reading = await slot.read();
      // Of what was known before it: another replicator may have seen the source further by now.
      this.#fault = replacement(known, reading.source);
      // Who is told no more has not forgotten.
      const source = { ...reading.source, cluster: reading.source.cluster ?? known?.cluster ?? null };
      this.#reading = { ...reading, source };
      this.#measured(this.#reading, now);
      const verdict = this.#verdict(seen);
      // What is kept tells the source from the one that is there now.
      if (verdict?.kind === 'other' || begun === 'halting') return verdict;
      const alarm = verdict === null || verdict.kind === 'sound' ? null : verdict.reason;
      await captures.report(this.#system, { ...this.#reading, at: new Date(now).toISOString(), alarm });
      return verdict;
    } catch (error) {
      dependencies.down(`slot:${this.#system}`, error);
      log.warn({ system: this.#system }, `replication slot: ${reasonOf(error)}`);
      return this.#verdict(seen);
    }
  }

  /** Asks the source now. @throws FicusError `legacy_unavailable`. */
  async report(): Promise<SlotReport> {
    const at = new Date(this.#parts.clock.now()).toISOString();
    return { ...(await this.#parts.slot.read()), at, alarm: null };
  }

  #measured({ slot, limitBytes }: SlotReading, now: number): void {
    this.#parts.meters.slot(this.#system, slot?.retainedBytes ?? null, limitBytes);
    const position = slot?.confirmed ?? null;
    if (this.#confirmed.at === 0 || position !== this.#confirmed.position)
      this.#confirmed = { at: now, position };
  }

  #verdict(seen: boolean): SlotVerdict | null {
    if (this.#reading === null) return null;
    const stillMs = this.#askedAt - this.#confirmed.at;
    return judgeSlot({ reading: this.#reading, fault: this.#fault, seen, stillMs }, this.#rules);
  }
}
