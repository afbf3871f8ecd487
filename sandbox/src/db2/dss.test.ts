import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readParameters, SegmentReader, soleObject, writeObject, writeSegment } from './dss.ts';

const payloads = fc.oneof(
  fc.uint8Array({ minLength: 4, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  // On both sides of the first continuation, of the second, and of an even number of them.
  fc
    .constantFrom(32_760, 32_761, 32_762, 65_525, 65_526, 65_527, 98_291, 100_000)
    .map((size) => Buffer.alloc(size, size % 251)),
);

describe('segments', () => {
  it('come out of any cut of the stream as they went in', () => {
    const sent = fc.record({
      format: fc.integer({ min: 0, max: 255 }),
      correlation: fc.integer({ min: 0, max: 65_535 }),
      payload: payloads,
    });
    fc.assert(
      fc.property(
        fc.array(sent, { maxLength: 4 }),
        fc.array(
          fc.integer({ min: 1, max: 40_000 }).map((size) => (size % 7 === 0 ? 1 + (size % 50) : size)),
          { minLength: 1 },
        ),
        (segments, cuts) => {
          const stream = Buffer.concat(
            segments.map(({ format, correlation, payload }) => writeSegment(format, correlation, payload)),
          );
          const reader = new SegmentReader();
          const found = [];
          for (let at = 0, cut = 0; at < stream.length; cut++) {
            const size = cuts[cut % cuts.length] ?? 1;
            found.push(...reader.push(stream.subarray(at, at + size)));
            at += size;
          }
          // Compared as one text each: a deep comparison of such buffers takes seconds.
          const shown = (of: readonly { format: number; correlation: number; payload: Buffer }[]): string =>
            of
              .map(
                ({ format, correlation, payload }) =>
                  `${format} ${correlation} ${payload.toString('base64')}`,
              )
              .join();
          expect(shown(found) === shown(segments)).toBe(true);
          expect(Buffer.concat(found.map(({ raw }) => raw)).equals(stream)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('that are not DRDA end the conversation with a reason', () => {
    expect(() => new SegmentReader().push(Buffer.from('GET / HTTP/1.1\r\n'))).toThrow(
      'not DRDA: byte 3 of a segment is 0x54, not 0xd0',
    );
    expect(() => new SegmentReader().push(Buffer.from([0, 3, 0xd0, 1, 0, 1]))).toThrow(
      'shorter than its header',
    );
  });
});

describe('objects', () => {
  it('are read as they were written, with a plain and with an extended length', () => {
    for (const size of [0, 1, 32_763, 32_764, 70_000]) {
      const object = { codePoint: 0x2414, content: Buffer.alloc(size, 7) };
      expect(soleObject(writeObject(object))).toEqual(object);
    }
  });

  it('are left alone when there are several, or none', () => {
    const one = writeObject({ codePoint: 0x2414, content: Buffer.from('x') });
    expect(soleObject(Buffer.concat([one, one]))).toBe(null);
    expect(soleObject(Buffer.from([0, 1]))).toBe(null);
    expect(readParameters(Buffer.from([0, 9, 1, 1, 0]))).toBe(null);
  });
});
