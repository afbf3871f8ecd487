import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FicusError } from '#core/errors';
import { isConfluent, readSchemaHeader, splitConfluent } from './schema-reference.ts';

const bytes = fc.uint8Array({ maxLength: 24 }).map((some) => Buffer.from(some));

describe("Confluent's wire format", () => {
  it('is a byte 0, an id and the datum', () => {
    fc.assert(
      fc.property(fc.nat(), bytes, (id, datum) => {
        const head = Buffer.alloc(5);
        head.writeInt32BE(id, 1);
        const whole = Buffer.concat([head, datum]);
        expect(isConfluent(whole)).toBe(true);
        expect(splitConfluent(whole)).toEqual({ reference: { kind: 'id', id }, datum });
      }),
    );
  });

  it.each([1, 2, 3, 4])('is refused when it ends after %i bytes', (length) => {
    expect(() => splitConfluent(Buffer.alloc(length))).toThrow(/where an Avro schema id has four/);
  });
});

describe('readSchemaHeader', () => {
  it.each([
    ['0000000102', { kind: 'id', id: 258 }],
    ['01f0e1d2c3b4a5968778695a4b3c2d1e0f', { kind: 'guid', guid: 'f0e1d2c3-b4a5-9687-7869-5a4b3c2d1e0f' }],
  ])('reads %s', (hex, expected) => {
    expect(readSchemaHeader(Buffer.from(hex, 'hex'))).toEqual(expected);
  });

  it('refuses everything else by name', () => {
    fc.assert(
      fc.property(bytes, (some) => {
        try {
          readSchemaHeader(some);
          expect([5, 17]).toContain(some.length);
        } catch (error) {
          expect(error).toBeInstanceOf(FicusError);
        }
      }),
    );
  });
});
