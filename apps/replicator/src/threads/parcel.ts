import type { LogRecord, RecordHeaders } from '#debezium/log-record';

/** Records of one topic in a form that another thread is given without a copy: their bytes lie one behind the other. */
export interface Parcel {
  readonly topic: string;
  readonly bytes: ArrayBuffer;
  /** Of each record, bytes of its key and of its value; -1: none. */
  readonly lengths: Int32Array;
  readonly partitions: Int32Array;
  readonly offsets: BigInt64Array;
  readonly epochs: Int32Array;
  /** Of each record, those that are read; null: no record has any. */
  readonly headers: readonly (Headers | null)[] | null;
}

type Headers = Readonly<Record<string, string | Uint8Array | readonly (string | Uint8Array)[]>>;

/** @param read the names of the headers to take along. */
export function pack(
  topic: string,
  records: readonly LogRecord[],
  { epochOf, read }: { readonly epochOf: (record: LogRecord) => number; readonly read: readonly string[] },
): Parcel {
  const size = records.reduce((sum, { key, value }) => sum + (key?.length ?? 0) + (value?.length ?? 0), 0);
  const bytes = Buffer.from(new ArrayBuffer(size));
  const count = records.length;
  const lengths = new Int32Array(count * 2);
  const partitions = new Int32Array(count);
  const offsets = new BigInt64Array(count);
  const epochs = new Int32Array(count);
  let end = 0;
  for (const [at, record] of records.entries()) {
    for (const [side, part] of [record.key, record.value].entries()) {
      lengths[at * 2 + side] = part?.length ?? -1;
      if (part !== null) end += part.copy(bytes, end);
    }
    partitions[at] = record.partition;
    offsets[at] = record.offset;
    epochs[at] = epochOf(record);
  }
  const headers = records.map((record) => headersOf(record.headers, read));
  return {
    ...{ topic, bytes: bytes.buffer as ArrayBuffer, lengths, partitions, offsets, epochs },
    headers: headers.some((some) => some !== null) ? headers : null,
  };
}

/** The records again, in their order. */
export function unpack({ topic, bytes, lengths, partitions, offsets, headers }: Parcel): LogRecord[] {
  const all = Buffer.from(bytes);
  let end = 0;
  const next = (length: number): Buffer | null => {
    if (length < 0) return null;
    end += length;
    return all.subarray(end - length, end);
  };
  return Array.from(partitions, (partition, at): LogRecord => {
    const key = next(lengths[at * 2] ?? -1);
    const value = next(lengths[at * 2 + 1] ?? -1);
    const some = headers?.[at] ?? null;
    const record = { topic, partition, offset: offsets[at] ?? 0n, key, value };
    return some === null ? record : { ...record, headers: asBuffers(some) };
  });
}

function headersOf(headers: RecordHeaders | undefined, read: readonly string[]): Headers | null {
  if (headers === undefined) return null;
  let found: Record<string, Headers[string]> | null = null;
  for (const name of read) {
    const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
    if (value === undefined) continue;
    found ??= {};
    found[name] = value;
  }
  return found;
}

/** On the way a Buffer became a plain array of bytes. */
function asBuffers(headers: Headers): RecordHeaders {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      Array.isArray(value) ? value.map(asBuffer) : asBuffer(value as string | Uint8Array),
    ]),
  );
}

function asBuffer(value: string | Uint8Array): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength);
}
