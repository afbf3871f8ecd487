/** A Kafka record as Debezium's JSON converter without schemas writes it. */
export interface RecordGiven {
  readonly topic: string;
  /** `schema.table`. */
  readonly table: string;
  readonly op: 'c' | 'u' | 'd' | 'r';
  readonly key: Readonly<Record<string, unknown>>;
  readonly before?: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly lsn: number | null;
  readonly partition?: number;
  readonly offset?: number;
}

export interface TestRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer;
  readonly value: Buffer;
}

export function aRecord(given: RecordGiven): TestRecord {
  const { topic, op, lsn, before = null, after = null } = given;
  const [schema, table] = given.table.split('.');
  const source = { schema, table, lsn, ts_ms: 1_767_225_600_000 };
  return {
    topic,
    partition: given.partition ?? 0,
    offset: BigInt(given.offset ?? 0),
    key: Buffer.from(JSON.stringify(given.key)),
    value: Buffer.from(JSON.stringify({ op, before, after, source })),
  };
}
