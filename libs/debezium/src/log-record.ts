/** As Kafka's clients give them: a header that occurs several times is a list. */
export type RecordHeaders = Readonly<
  Record<string, Buffer | string | readonly (Buffer | string)[] | undefined>
>;

/** A Kafka record, undecoded. */
export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  /** Absent: none. */
  readonly headers?: RecordHeaders;
  /** Kafka's id of the topic: one that is made anew has another. Absent: nobody knows. */
  readonly log?: string;
}

/** The header's bytes, of the last one when it occurs several times, as Connect reads it; null: there is none. */
export function headerOf(record: LogRecord, name: string): Buffer | null {
  const { headers } = record;
  if (headers === undefined || !Object.hasOwn(headers, name)) return null;
  const found = headers[name];
  const last = Array.isArray(found) ? found.at(-1) : found;
  return typeof last === 'string' ? Buffer.from(last) : Buffer.isBuffer(last) ? last : null;
}
