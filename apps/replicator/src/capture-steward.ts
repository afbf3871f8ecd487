import {
  type CaptureStep,
  captureStep,
  captureTrouble,
  finished,
  halted,
  haltedAgain,
  loss,
  renewal,
  replacement,
  running,
  type SlotVerdict,
  streaming,
} from '#core/capture';
import type { EpochFirsts } from '#core/epoch';
import { FicusError, reasonOf, unreachable } from '#core/errors';
import { type Plan, tablesOf, topicOf, topicsOf } from '#core/plan';
import type { Capture, CaptureStore, SourceSlot, Sweep } from '#core/ports/capture';
import type { Clock } from '#core/ports/clock';
import type { UnitStore } from '#core/ports/control';
import type { TopicStore } from '#core/ports/replication';
import { isSnapshotComplete, type Unit } from '#core/unit-state';
import type { KafkaProgress, Offsets } from '#kafka/progress';
import type { Dependencies } from '#observability/dependencies';
import type { Logger } from '#observability/log';
import type { Connector, Haltable } from './connector-steward.ts';
import type { SlotWatch } from './slot-watch.ts';

export interface CaptureParts {
  /** This process. */
  readonly instance: string;
  readonly captures: CaptureStore;
  readonly units: Pick<UnitStore, 'openEpochs' | 'readAll' | 'readAgain'>;
  readonly connector: Connector;
  /** What a new beginning does away with; null: somebody else configures the connector, or the source has no slot. */
  readonly source: { readonly slot: SourceSlot; readonly connector: Haltable } | null;
  /** Null: the source has no slot. */
  readonly watch: SlotWatch | null;
  /** Does the policy begin anew by itself? */
  readonly mayRenew: boolean;
  readonly progress: KafkaProgress;
  readonly topics: Pick<TopicStore, 'resize'>;
  /** Is a topic one that the system's connector writes to? */
  readonly isOwn: (topic: string) => boolean;
  readonly dependencies: Dependencies;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What a round may do. */
export interface CaptureRound {
  /** Is the connector to be kept as the plans say? */
  readonly streams: boolean;
  /** May tables be ordered to be read? What the connector brings is whole. */
  readonly reads: boolean;
  readonly capture: Capture;
}

/** How long nobody else carries out a halt that has been begun, ms; each call of it takes less. */
const CARRIED_MS = 120_000;
/** ms for which a connector may take to come to stream; after that, it is begun with once more. */
const STUCK_START_MS = 120_000;

/**
 * Sees to a system's place in the log of its source: stands still when it is lost, and begins anew when that is ordered.
 * `core/capture` decides. How far a new beginning has come stands in the control database, each of its steps may be done
 * again, and one replicator at a time does them, so that it may be killed anywhere.
 */
export class CaptureSteward {
  readonly #system: string;
  readonly #parts: CaptureParts;
  /** Since when (ms since the epoch) the connector has been made to start, as far as this process knows. */
  #restartedAt: number | null = null;

  constructor(system: string, parts: CaptureParts) {
    this.#system = system;
    this.#parts = parts;
  }

  /** One round. @throws FicusError while the control database is away: then nothing may be done. */
  async tend(): Promise<CaptureRound> {
    const { captures, watch, mayRenew } = this.#parts;
    const capture = await captures.read(this.#system);
    const verdict = (await watch?.judge(capture)) ?? null;
    const step = captureStep(capture, verdict, mayRenew);
    this.#tell(capture, step, verdict);
    let isDone = true;
    try {
      await this.#carryOut(capture, step);
    } catch (error) {
      isDone = false;
      this.#parts.log.warn({ system: this.#system, step: step.kind }, `capture: ${reasonOf(error)}`);
    }
    const streams = isDone && (step.kind === 'stream' || step.kind === 'restart');
    return { streams, reads: isDone && step.kind === 'stream', capture };
  }

  /** The connector has been tended: does it stream from its new place? */
  async tended({ capture }: CaptureRound): Promise<void> {
    const { captures, log } = this.#parts;
    if (running(capture)?.stage !== 'restarting') {
      this.#restartedAt = null;
      return;
    }
    if (!(await this.#isStreaming())) return await this.#mindStuck(capture);
    await this.#overtaken(captures.change(capture, streaming(capture)));
    log.info({ system: this.#system }, 'the connector streams from its new place; the tables are read again');
  }

  async #isStreaming(): Promise<boolean> {
    const { connector, source } = this.#parts;
    if (!connector.healthy) return false;
    if (source === null) return true;
    const { slot } = await source.slot.read();
    return slot?.active === true && slot.walStatus !== 'lost';
  }

  /** Kafka Connect may have kept the old place for it: a task that hung when it was stopped writes it once more. */
  async #mindStuck(capture: Capture): Promise<void> {
    const { captures, source, clock, log } = this.#parts;
    this.#restartedAt ??= clock.now();
    if (source === null || clock.now() - this.#restartedAt < STUCK_START_MS) return;
    this.#restartedAt = null;
    log.warn(
      { system: this.#system },
      'the connector does not come to stream; it is stopped and begun with again',
    );
    await this.#overtaken(captures.change(capture, haltedAgain(capture)));
  }

  /** When the connector began anew last, ms since the epoch; 0: never, or it has forgotten nothing by it. */
  anew({ renewals: [newest] }: Capture): number {
    return newest === undefined || this.#parts.watch === null ? 0 : Date.parse(newest.at);
  }

  /** Ends a new beginning once all units of the system are whole. */
  async settle(units: readonly Unit[], { capture }: CaptureRound): Promise<void> {
    const { captures, log } = this.#parts;
    if (running(capture)?.stage !== 'reading' || capture.sweeps.length > 0) return;
    if (!units.every(isSnapshotComplete)) return;
    await this.#overtaken(captures.change(capture, finished(capture, this.#now())));
    log.info({ system: this.#system }, 'every table has been read again');
  }

  async #carryOut(capture: Capture, step: CaptureStep): Promise<void> {
    const { captures, log, source } = this.#parts;
    switch (step.kind) {
      case 'stream':
        // In a unit that was applied while it began, too.
        if (running(capture) !== null) await this.#openEpochs(capture);
        return;
      case 'hold':
        if (step.isNew) {
          log.error({ system: this.#system }, step.reason);
          const facts = { reason: step.reason, at: this.#now(), isOther: step.isOther };
          await this.#overtaken(captures.change(capture, loss(capture, facts)));
        }
        await source?.connector.halt();
        return;
      case 'renew': {
        log.error({ system: this.#system }, `beginning anew: ${step.reason}`);
        const order = { by: 'policy', reason: step.reason, at: this.#now() };
        const failed = loss(capture, order);
        const change = { ...failed, ...renewal({ ...capture, ...failed }, order) };
        await this.#overtaken(captures.change(capture, change));
        return;
      }
      case 'halt':
        return await this.#halt(capture);
      case 'restart':
        // Of the other source, nothing comes before the units know it.
        await this.#openEpochs(capture);
        await source?.connector.resume();
        return;
      default:
        return unreachable(step);
    }
  }

  /** Units first, so that nobody reads what may be stale; the slot goes even while Connect is away: it fills a disk. */
  async #halt(before: Capture): Promise<void> {
    const { captures, units, source, watch, progress, topics, log } = this.#parts;
    const capture = await this.#taken(before);
    const order = capture === null ? null : running(capture);
    if (capture === null || order === null) return;
    // Asked before anything of it is done away with.
    const slot = (await watch?.report()) ?? null;
    const fault = slot === null ? null : replacement(capture.slot?.source ?? null, slot.source);
    if (fault !== null && capture.lost?.isOther !== true) {
      // Who gave the order did not know of it.
      const facts = { reason: fault, at: this.#now(), isOther: true };
      await captures.change(capture, { ...loss(capture, facts), carrier: null });
      return;
    }
    await units.readAgain(this.#system, capture.generation, order.by);
    if (source !== null) {
      const isHalted = await source.connector.halt().catch((error: unknown) => {
        log.warn({ system: this.#system }, `the connector could not be stopped: ${reasonOf(error)}`);
        return false;
      });
      await source.slot.drop();
      if (!isHalted) return;
      await source.connector.forget();
    }
    // Once more, for a unit that was applied meanwhile.
    await units.readAgain(this.#system, capture.generation, order.by);
    const own = (await units.readAll()).filter(({ plan }) => plan.system === this.#system);
    const plans = own.map(({ plan }) => plan);
    const ends = await progress.endOffsets([...new Set(plans.flatMap(topicsOf))]);
    const isOther = capture.lost?.isOther === true;
    if (isOther) for (const [topic, offsets] of ends) await topics.resize(topic, offsets.size);
    const change = { sweeps: sweepsOf(plans, ends), firsts: isOther ? await this.#firsts() : null, slot };
    await captures.change(capture, halted(capture, change));
    const what = isOther ? 'a new epoch is begun' : 'the slot is given up';
    log.warn({ system: this.#system, by: order.by }, `${what}: ${order.reason}`);
  }

  /** The end of each topic that the system's connector writes to, for plans that are applied later, too. */
  async #firsts(): Promise<EpochFirsts> {
    const { progress, isOwn } = this.#parts;
    const own = (await progress.topics()).filter(isOwn);
    // First: the end of a topic that is made anew meanwhile is then of no topic that is there.
    const logs = await progress.logIds(own);
    const ends = await progress.endOffsets(own);
    return [...ends].flatMap(([topic, offsets]) => {
      const log = logs.get(topic);
      const of = log === undefined ? { topic } : { topic, log };
      return [...offsets].map(([partition, end]) => ({ ...of, partition, offset: String(end) }));
    });
  }

  async #openEpochs(capture: Capture): Promise<void> {
    const by = running(capture)?.by ?? 'policy';
    await this.#parts.units.openEpochs(this.#system, capture.replacements.length, by);
  }

  /** Null: somebody else is at it. */
  async #taken(capture: Capture): Promise<Capture | null> {
    const { captures, clock, instance } = this.#parts;
    const now = clock.now();
    const { carrier } = capture;
    if (carrier !== null && carrier.id !== instance && carrier.until > now) return null;
    return await captures.change(capture, { carrier: { id: instance, until: now + CARRIED_MS } });
  }

  /** Somebody else was faster: the next round goes by what he has made of it. */
  async #overtaken(change: Promise<Capture>): Promise<void> {
    try {
      await change;
    } catch (error) {
      if (!(error instanceof FicusError) || error.code !== 'state_conflict') throw error;
    }
  }

  #tell(capture: Capture, step: CaptureStep, verdict: SlotVerdict | null): void {
    const { dependencies, source, watch } = this.#parts;
    const dependency = `slot:${this.#system}`;
    const trouble = captureTrouble(capture, { step, verdict, isOurs: source !== null });
    if (trouble !== null) dependencies.down(dependency, new Error(trouble));
    // A source that did not answer has been reported by the watch.
    else if (verdict !== null || watch === null) dependencies.up(dependency);
  }

  #now(): string {
    return new Date(this.#parts.clock.now()).toISOString();
  }
}

function sweepsOf(plans: readonly Plan[], ends: ReadonlyMap<string, Offsets>): readonly Sweep[] {
  return plans.flatMap((plan) =>
    tablesOf(plan).map((table) => {
      const own = [...(ends.get(topicOf(plan, table)) ?? [])];
      const texts = own.map(([partition, end]) => [String(partition), String(end)]);
      return { unit: plan.unit, table, ends: Object.fromEntries(texts) };
    }),
  );
}
