import { Decimal128 } from 'mongodb';

/** Types of BSON's elements (bsonspec.org, version 1.1). */
const DOUBLE = 0x01;
const TEXT = 0x02;
const DOCUMENT = 0x03;
const ARRAY = 0x04;
const BINARY = 0x05;
const BOOLEAN = 0x08;
const DATE = 0x09;
const NULL = 0x0a;
const INT = 0x10;
const LONG = 0x12;
const DECIMAL = 0x13;

const FIRST_BYTES = 64 * 1024;
/** Of an int64 made of two halves. */
const HALF = 2 ** 32;
/** Digits that a JavaScript number holds whatever they are. */
const SAFE_DIGITS = 15;
/** From here on a text is left to Node, whose call costs about as much as so many characters. */
const SHORT = 48;
/** Of Decimal128 in the form that MongoDB uses (IEEE 754-2008, binary integer): what an exponent of 0 is. */
const DECIMAL_BIAS = 6_176;
const DECIMAL_SIGN = 0x8000;

/**
 * Writes BSON, element after element, into one buffer. The driver's own way takes objects, of which a batch of documents
 * needs some ten thousand: it has to find out of each what it is, which who writes knows, and all of them are garbage
 * then. The bytes are the driver's (`bson-writer.test.ts`). What writes an element answers true.
 */
export class BsonWriter {
  #bytes: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  #at = 0;

  /** Bytes that it takes in memory. */
  get capacity(): number {
    return this.#bytes.length;
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#at;
  }

  /** What was written, not copied: gone with the next `clear`. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Begins again in the same buffer; or takes back what was written from here on. */
  clear(to = 0): void {
    this.#at = to;
  }

  /** Begins a section of documents of a message (OP_MSG, kind 1: its size and the name of what takes them). */
  openSection(name: Name): number {
    this.#room(5 + name.length);
    this.#bytes[this.#at] = 1;
    this.#bytes.set(name, this.#at + 5);
    this.#at += 5 + name.length;
    return this.#at - name.length - 4;
  }

  closeSection(from: number): void {
    this.#int32(this.#at - from, from);
  }

  /** Begins a document that is no element. @returns what `close` needs to know. */
  open(): number {
    this.#room(5);
    this.#at += 4;
    return this.#at - 4;
  }

  /** Begins a document within one. */
  openDocument(name: Name): number {
    this.#element(DOCUMENT, name, 5);
    return this.open();
  }

  /** Begins an array within a document; its elements are named by `indexName`. */
  openArray(name: Name): number {
    this.#element(ARRAY, name, 5);
    return this.open();
  }

  close(from: number): true {
    this.#room(1);
    this.#bytes[this.#at++] = 0;
    this.#int32(this.#at - from, from);
    return true;
  }

  null(name: Name): true {
    this.#element(NULL, name, 0);
    return true;
  }

  boolean(name: Name, value: boolean): true {
    this.#element(BOOLEAN, name, 1);
    this.#bytes[this.#at++] = value ? 1 : 0;
    return true;
  }

  /** @throws Error when it does not have 32 bits. */
  int(name: Name, value: number): true {
    if ((value | 0) !== value) throw new Error(`${value} is no integer of 32 bits`);
    this.#element(INT, name, 4);
    this.#int32(value, this.#at);
    this.#at += 4;
    return true;
  }

  /** @param value of 64 bits, or its digits. */
  long(name: Name, value: bigint | string): true {
    this.#element(LONG, name, 8);
    const isShort = typeof value === 'string' && value.length <= SAFE_DIGITS;
    if (isShort) this.#int64(Number(value));
    else this.#at = this.#bytes.writeBigInt64LE(BigInt(value), this.#at);
    return true;
  }

  double(name: Name, value: number): true {
    this.#element(DOUBLE, name, 8);
    this.#at = this.#bytes.writeDoubleLE(value, this.#at);
    return true;
  }

  /** @param value ms since the epoch. */
  date(name: Name, value: number): true {
    this.#element(DATE, name, 8);
    this.#int64(value);
    return true;
  }

  /** @param value a number in plain notation that Decimal128 holds, or what is none. */
  decimal(name: Name, value: string): true {
    this.#element(DECIMAL, name, 16);
    if (value.length > SAFE_DIGITS || !isDigit(value.charCodeAt(value.length - 1))) {
      // The driver's own way reads any text, at ten times the cost.
      this.#bytes.set(Decimal128.fromString(value).bytes, this.#at);
    } else {
      const point = value.indexOf('.');
      const scale = point < 0 ? 0 : value.length - point - 1;
      const digits = point < 0 ? value : value.slice(0, point) + value.slice(point + 1);
      const sign = value.charCodeAt(0) === MINUS ? DECIMAL_SIGN : 0;
      const number = Math.abs(Number(digits));
      this.#int32(number | 0, this.#at);
      this.#int32(Math.floor(number / HALF), this.#at + 4);
      this.#int32(0, this.#at + 8);
      // The exponent stands above the 113 bits of the digits.
      this.#int32((((DECIMAL_BIAS - scale) << 1) | sign) << 16, this.#at + 12);
    }
    this.#at += 16;
    return true;
  }

  binary(name: Name, value: Uint8Array): true {
    this.#element(BINARY, name, 5 + value.length);
    this.#int32(value.length, this.#at);
    this.#bytes[this.#at + 4] = 0;
    this.#bytes.set(value, this.#at + 5);
    this.#at += 5 + value.length;
    return true;
  }

  text(name: Name, value: string): true {
    // A unit of UTF-16 has three bytes at most.
    this.#element(TEXT, name, 5 + value.length * 3);
    const from = this.#at + 4;
    const length = this.#ascii(value, from) ?? this.#bytes.write(value, from);
    this.#int32(length + 1, this.#at);
    this.#bytes[from + length] = 0;
    this.#at = from + length + 1;
    return true;
  }

  /** Null: it is not short, or not all ASCII. */
  #ascii(text: string, from: number): number | null {
    const { length } = text;
    if (length > SHORT) return null;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) return null;
      this.#bytes[from + index] = code;
    }
    return length;
  }

  #element(type: number, name: Name, size: number): void {
    const { length } = name;
    this.#room(1 + length + size);
    const bytes = this.#bytes;
    let at = this.#at;
    bytes[at++] = type;
    for (let index = 0; index < length; index++) bytes[at++] = name[index] ?? 0;
    this.#at = at;
  }

  #room(bytes: number): void {
    const needed = this.#at + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.bytes);
    this.#bytes = larger;
  }

  #int32(value: number, at: number): void {
    const bytes = this.#bytes;
    bytes[at] = value;
    bytes[at + 1] = value >>> 8;
    bytes[at + 2] = value >>> 16;
    bytes[at + 3] = value >>> 24;
  }

  /** @param value an integer that a JavaScript number holds. */
  #int64(value: number): void {
    this.#int32(value | 0, this.#at);
    this.#int32(Math.floor(value / HALF), this.#at + 4);
    this.#at += 8;
  }
}

const MINUS = '-'.charCodeAt(0);

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** A member's name with the zero behind it. */
export type Name = Uint8Array;

/** @throws Error for a name that BSON cannot hold. */
export function nameOf(text: string): Name {
  if (text.includes('\u0000'))
    throw new Error(`a member of a document cannot be called ${JSON.stringify(text)}`);
  return Buffer.from(`${text}\u0000`);
}

const INDEXES: Name[] = [];

/** Of an array's element. */
export function indexName(index: number): Name {
  INDEXES[index] ??= nameOf(String(index));
  return INDEXES[index];
}
