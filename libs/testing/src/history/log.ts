import type { ChangeEvent } from '#core/change-event';
import { type EpochFirsts, epochLookup } from '#core/epoch';
import type { TableName } from './shape.ts';

/** Of each topic. */
const PARTITIONS = 2;

/**
 * A model of the connector's topics: a lane is one partition. A topic may be made anew, and then its offsets begin again;
 * what is in it counts once an epoch begins in it.
 */
export class LogModel {
  readonly lanes = new Map<string, ChangeEvent[]>();
  /** Where each lane ended when the connector began anew after it had lost its place; none: it never did. */
  readonly ends = new Map<string, bigint>();
  readonly #beginnings: EpochFirsts[] = [];
  /** How often each lane was made anew, and how often it had been when the newest epoch began. */
  readonly #made = new Map<string, number>();
  #begun: ReadonlyMap<string, number> = new Map();

  constructor() {
    for (const table of ['parent', 'child'] as const)
      for (let partition = 0; partition < PARTITIONS; partition++)
        this.lanes.set(`${table}/${partition}`, []);
  }

  get epoch(): number {
    return this.#beginnings.length + 1;
  }

  /** By the offset, as those tell it who read the lane as it is now. */
  epochOf({ table, log }: Pick<ChangeEvent, 'table' | 'log'>): number {
    const place = { topic: table.slice(2), partition: log.partition, offset: log.offset };
    return epochLookup(this.epoch, this.#beginnings)(place);
  }

  partitionOf(key: number): number {
    return key % PARTITIONS;
  }

  push(event: ChangeEvent): void {
    const lane = this.lanes.get(`${event.table.slice(2)}/${event.log.partition}`) ?? [];
    // Offsets have gaps.
    lane.push({ ...event, log: { ...event.log, offset: offsetOf(lane.length) } });
  }

  /** The connector begins anew. */
  endHere(): void {
    for (const [lane, events] of this.lanes) this.ends.set(lane, offsetOf(events.length));
  }

  openEpoch(): void {
    const firsts = [...this.lanes].map(([lane, events]) => {
      const [topic = '', partition] = lane.split('/');
      return { topic, partition: Number(partition), offset: String(offsetOf(events.length)) };
    });
    this.#beginnings.push(firsts);
    this.#begun = new Map(this.#made);
  }

  /** A topic is deleted, and there again under its name. */
  make(table: TableName): void {
    for (const lane of this.lanes.keys()) {
      if (!lane.startsWith(`${table}/`)) continue;
      this.lanes.set(lane, []);
      this.#made.set(lane, this.made(lane) + 1);
    }
  }

  made(lane: string): number {
    return this.#made.get(lane) ?? 0;
  }

  /** Is there a topic that no epoch has begun in? */
  get isUnbegun(): boolean {
    return [...this.lanes.keys()].some((lane) => this.#isUnbegun(lane));
  }

  /** How many events of a lane are of before the newest epoch; null: it was made anew since that began. */
  before(lane: string): number | null {
    if (this.#isUnbegun(lane)) return null;
    const [topic, partition] = lane.split('/');
    const firsts = this.#beginnings.at(-1) ?? [];
    const first = firsts.find((one) => one.topic === topic && one.partition === Number(partition));
    return Number(first?.offset ?? 0) / 2;
  }

  #isUnbegun(lane: string): boolean {
    return this.made(lane) !== (this.#begun.get(lane) ?? 0);
  }
}

function offsetOf(index: number): bigint {
  return BigInt(index * 2);
}
