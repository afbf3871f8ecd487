/**
 * The envelope of DRDA, the protocol of Db2 clients: a stream of DSS segments (DRDA volume 3).
 *
 * A segment is a 2-byte length, 0xD0, a format byte (low nibble 1 request, 2 reply, 3 object, 5 request without
 * reply), a 2-byte correlation number and a payload. One longer than 32,767 bytes sets the length's top bit and goes
 * on in continuations, each headed by 2 bytes of length only. In the payload stand DDM objects: 2-byte length,
 * 2-byte code point, content; a length with the top bit set counts the header, and the true length follows it.
 */

const HEADER = 6;
const MAGIC = 0xd0;
const LONGEST = 0x7fff;
const MORE = 0x8000;

export interface Segment {
  /** The format byte, chaining bits included. */
  readonly format: number;
  readonly correlation: number;
  /** Without the headers of the segment and of its continuations. */
  readonly payload: Buffer;
  /** As it came; what goes on when nothing was changed. */
  readonly raw: Buffer;
}

export type SegmentKind = 'request' | 'reply' | 'object' | 'other';

export function kindOf(segment: Segment): SegmentKind {
  const kinds: Readonly<Record<number, SegmentKind>> = {
    1: 'request',
    2: 'reply',
    3: 'object',
    5: 'request',
  };
  return kinds[segment.format & 0xf] ?? 'other';
}

export interface DdmObject {
  readonly codePoint: number;
  readonly content: Buffer;
}

/**
 * The object that fills the whole payload, or null: several objects in one segment, or one that is no plain DDM, are
 * left as they are.
 */
export function soleObject(payload: Buffer): DdmObject | null {
  if (payload.length < 4) return null;
  const length = payload.readUInt16BE(0);
  const codePoint = payload.readUInt16BE(2);
  if ((length & MORE) === 0)
    return length === payload.length ? { codePoint, content: payload.subarray(4) } : null;
  // Extended length: the low bits are the size of the header, of which all past the first 4 bytes is the length.
  const header = length & LONGEST;
  if (header < 5 || header > 12 || payload.length < header) return null;
  const content = payload.subarray(header);
  return payload.readUIntBE(4, Math.min(header - 4, 6)) === content.length || header > 10
    ? { codePoint, content }
    : null;
}

/** The other way round, with an extended length of 4 bytes where the plain one does not reach. */
export function writeObject({ codePoint, content }: DdmObject): Buffer {
  const long = content.length + 4 > LONGEST;
  const head = Buffer.alloc(long ? 8 : 4);
  head.writeUInt16BE(long ? MORE | 8 : content.length + 4, 0);
  head.writeUInt16BE(codePoint, 2);
  if (long) head.writeUInt32BE(content.length, 4);
  return Buffer.concat([head, content]);
}

/** The parameters inside a request's object; null when the bytes are none. */
export function readParameters(content: Buffer): readonly DdmObject[] | null {
  const found: DdmObject[] = [];
  for (let at = 0; at < content.length; ) {
    if (at + 4 > content.length) return null;
    const length = content.readUInt16BE(at);
    if (length < 4 || at + length > content.length) return null;
    found.push({ codePoint: content.readUInt16BE(at + 2), content: content.subarray(at + 4, at + length) });
    at += length;
  }
  return found;
}

/** The bytes of a segment with another payload, cut into continuations where it is too long for one. */
export function writeSegment(format: number, correlation: number, payload: Buffer): Buffer {
  const first = payload.subarray(0, LONGEST - HEADER);
  const head = Buffer.alloc(HEADER);
  head.writeUInt16BE(first.length === payload.length ? first.length + HEADER : MORE | LONGEST, 0);
  head.writeUInt8(MAGIC, 2);
  head.writeUInt8(format, 3);
  head.writeUInt16BE(correlation, 4);
  const parts = [head, first];
  for (let at = first.length; at < payload.length; ) {
    const part = payload.subarray(at, at + LONGEST - 2);
    at += part.length;
    const length = Buffer.alloc(2);
    length.writeUInt16BE(at < payload.length ? MORE | LONGEST : part.length + 2, 0);
    parts.push(length, part);
  }
  return Buffer.concat(parts);
}

/** Cuts a TCP stream, whose chunks end anywhere, into whole segments. */
export class SegmentReader {
  private rest: Buffer = Buffer.alloc(0);

  /** @throws Error when the stream is not DRDA: the connection cannot be saved then. */
  push(chunk: Buffer): readonly Segment[] {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    const segments: Segment[] = [];
    for (let segment = this.take(); segment !== null; segment = this.take()) segments.push(segment);
    return segments;
  }

  private take(): Segment | null {
    if (this.rest.length < HEADER) return null;
    if (this.rest.readUInt8(2) !== MAGIC) {
      throw new Error(`not DRDA: byte 3 of a segment is 0x${this.rest.readUInt8(2).toString(16)}, not 0xd0`);
    }
    const parts: Buffer[] = [];
    let at = 0;
    for (let head = HEADER, more = true; more; head = 2) {
      if (this.rest.length < at + 2) return null;
      const length = this.rest.readUInt16BE(at);
      const size = length & LONGEST;
      if (size < head) throw new Error(`not DRDA: a segment of ${size} bytes is shorter than its header`);
      if (this.rest.length < at + size) return null;
      parts.push(this.rest.subarray(at + head, at + size));
      at += size;
      more = (length & MORE) !== 0;
    }
    const raw = this.rest.subarray(0, at);
    const [only, ...others] = parts;
    const payload = others.length === 0 && only !== undefined ? only : Buffer.concat(parts);
    this.rest = this.rest.subarray(at);
    return { format: raw.readUInt8(3), correlation: raw.readUInt16BE(4), payload, raw };
  }
}
