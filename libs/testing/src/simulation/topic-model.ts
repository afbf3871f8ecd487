/** A topic of Kafka: what was sent last to a partition is at its end. */
export class TopicModel<T> {
  readonly partitions: readonly T[][];
  /** The consuming group's committed offsets. */
  readonly committed: number[];

  constructor(partitions: number) {
    this.partitions = Array.from({ length: partitions }, () => []);
    this.committed = this.partitions.map(() => 0);
  }

  send(key: number, record: T): void {
    this.partitions[this.partitionOf(key)]?.push(record);
  }

  partitionOf(key: number): number {
    return key % this.partitions.length;
  }

  ends(): readonly number[] {
    return this.partitions.map(({ length }) => length);
  }

  isPast(ends: readonly number[]): boolean {
    return ends.every((end, partition) => (this.committed[partition] ?? 0) >= end);
  }
}
